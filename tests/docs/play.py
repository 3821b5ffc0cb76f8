"""Plays one page in the current folder, as a reader would who types everything in: `python -m tests.docs.play PAGE`.

Python blocks share one interpreter; a block that begins with `# name.py` is saved as that file instead. `console`
blocks run in a shell, and a worker that would not end by itself runs beside until the page is over. What the page says
will be printed (after `# ` behind a `print`, or below a command) must be printed; `…` stands for anything. Blocks for
other languages, `sh` among them, are not played.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import time
import types
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.docs.pages import ROOT, Block, blocks_of

if TYPE_CHECKING:
    from types import TracebackType

_TOLD = re.compile(r"^\s*print\(.*\)  # (.+)$", re.MULTILINE)
_PATIENCE = 60.0


class Stage:
    """The folder, the interpreter and the shell in which a page is played."""

    def __init__(self) -> None:
        self._module = types.ModuleType("page")
        sys.modules["page"] = self._module
        sys.path.insert(0, str(Path.cwd()))
        self._environment = {**os.environ, "PATH": f"{_commands()}{os.pathsep}{os.environ['PATH']}"}
        self._workers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.terminate()
            code = worker.wait(_PATIENCE)
            assert code == 0 or error is not None, f"the worker ended with {code}"

    def play(self, block: Block) -> None:
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
            self._run(f"python -c 'import {Path(block.file).stem}'", [], str(block))
        elif block.language == "python":
            self._execute(block)
        elif block.language == "console":
            self._type(block)

    def _execute(self, block: Block) -> None:
        # Moved down, so that a traceback shows the line of the page.
        code = compile("\n" * block.line + block.text, block.page, "exec")
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(code, vars(self._module))
        told = _TOLD.findall(block.text)
        if told:
            _compare(printed.getvalue().splitlines(), told, str(block))

    def _type(self, block: Block) -> None:
        command, told = "", list[str]()
        for line in [*block.text.splitlines(), "$ "]:
            if not line.startswith("$ "):
                told.append(line)
                continue
            if command:
                self._run(command, told, str(block))
            command, told = line.removeprefix("$ "), []

    def _run(self, command: str, told: list[str], where: str) -> None:
        words = shlex.split(command)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self._environment[name] = os.environ[name] = value
        elif words[:2] == ["queuemgr", "worker"] and "--burst" not in words:
            self._start_worker(words)
        else:
            done = subprocess.run(
                ["bash", "-c", command],
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )
            assert done.returncode == 0, f"{where}: `{command}` ended with {done.returncode}: {done.stderr}"
            if told:
                _compare(done.stdout.splitlines(), told, f"{where}: `{command}`")

    def _start_worker(self, words: list[str]) -> None:
        log = Path(f"worker-{len(self._workers)}.log")
        with log.open("w") as stderr:
            # A session of its own, so that a stop reaches the command alone, as from a process manager. It ends with
            # this process, however that ends.
            command = ["setpriv", "--pdeathsig", "TERM", *words]
            self._workers.append(
                subprocess.Popen(
                    command, env=self._environment, stdout=stderr, stderr=stderr, text=True, start_new_session=True
                )
            )
        deadline = time.monotonic() + _PATIENCE
        while "is ready" not in log.read_text():
            assert time.monotonic() < deadline, f"{shlex.join(words)} did not start: {log.read_text()}"
            time.sleep(0.02)


def _compare(printed: list[str], told: list[str], where: str) -> None:
    """A line `…` stands for any number of lines."""
    lines = (".*".join(map(re.escape, line.rstrip().split("…"))) for line in told)
    pattern = "".join("(?:\n.*)*" if line == ".*" else f"\n{line}" for line in lines)
    text = "\n".join(line.rstrip() for line in printed)
    said = "\n".join(told)
    assert re.fullmatch(pattern, f"\n{text}"), f"{where} promises\n{said}\nand it prints\n{text}"


def _commands() -> str:
    """A folder with `python` and `queuemgr` as the reader has them."""
    folder = Path("bin").absolute()
    folder.mkdir()
    for name, what in (("python", ""), ("queuemgr", " -m queuemgr")):
        command = folder / name
        command.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {sys.executable}{what} "$@"\n')
        command.chmod(0o755)
    return str(folder)


def main(page: str) -> None:
    with Stage() as stage:
        for block in blocks_of(Path(page)):
            stage.play(block)


if __name__ == "__main__":
    main(sys.argv[1])
