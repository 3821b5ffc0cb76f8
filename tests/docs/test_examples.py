"""Every example in the documentation works, and every command in it is one.

What the words around them say is not checked.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psutil
import pytest

from queuemgr.service.cli.main import main
from tests.docs.pages import PAGES, ROOT, blocks_of, code_words_of, commands_of, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAYED = [page for page in PAGES if any(block.language in ("python", "console") for block in blocks_of(page))]
SHELLS = ("console", "sh")
ENDLESS = """
```python
# shop.py
from queuemgr import App

app = App("sqlite:///shop.db")
```
```console
$ queuemgr worker shop:app
```
```python
import time
from pathlib import Path

Path("plays").touch()
time.sleep(100)
```
"""


@pytest.mark.slow
@pytest.mark.timeout(320)
@pytest.mark.parametrize("page", PLAYED, ids=name_of)
def test_a_reader_can_type_in_the_whole_page(page: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.play", str(page)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_worker_of_a_page_ends_with_whoever_plays_it(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(ENDLESS, encoding="utf-8")
    player = subprocess.Popen(
        [sys.executable, "-m", "tests.docs.play", "page.md"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        _wait_until((tmp_path / "plays").exists)
        log = (tmp_path / "worker-0.log").read_text(encoding="utf-8")
        worker = psutil.Process(int(re.findall(r"^pid +(\d+)$", log, re.MULTILINE)[0]))
    finally:
        player.kill()
        player.wait()
    _wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_languages_of_blocks_are_known(page: Path) -> None:
    known = {"python", "text", "ini", "json", "sql", *SHELLS}
    assert [str(block) for block in blocks_of(page) if block.language not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_blocks_are_understood(page: Path) -> None:
    blocks = [block for block in blocks_of(page) if block.language in SHELLS]
    for block in blocks:
        for line, command in commands_of(block):
            for words in _simple_commands(command):
                _understand(words, f"{name_of(page)}:{line}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_sentences_begin_with_verbs_that_there_are(page: Path) -> None:
    for line, code in code_words_of(page):
        words = code.split()
        if words[:1] == ["queuemgr"]:
            _find_verb(words[1:], f"{name_of(page)}:{line}: {code}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_scripts_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for script in set(re.findall(r"\bscript/\w+", text)):
        assert os.access(ROOT / script, os.X_OK), f"{name_of(page)} names {script}"


def _wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def _simple_commands(command: str) -> Iterator[list[str]]:
    """What stands between the pipes and semicolons of a line."""
    reader = shlex.shlex(command, posix=True, punctuation_chars=";|&<>")
    reader.whitespace_split = True
    for is_mark, words in itertools.groupby(reader, lambda word: set(word) <= set(";|&<>")):
        if not is_mark:
            yield list(words)


def _understand(words: list[str], where: str) -> None:
    while words and "=" in words[0]:
        words = words[1:]
    if words[:1] != ["queuemgr"]:
        return
    try:
        _parse(words[1:])
    except click.ClickException as error:
        pytest.fail(f"{where}: {shlex.join(words)}: {error.format_message()}", pytrace=False)


def _parse(words: list[str]) -> None:
    command: click.Command = main
    context: click.Context | None = None
    name: str | None = "queuemgr"
    while True:
        context = command.make_context(name, words, parent=context)
        if not isinstance(command, click.Group):
            return
        rest = [*context._protected_args, *context.args]
        name, found, words = command.resolve_command(context, rest)
        assert found is not None
        command = found


def _find_verb(words: list[str], where: str) -> None:
    command: click.Command | None = main
    context = click.Context(main)
    for word in words:
        if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z]+", word):
            return
        command = command.get_command(context, word)
        assert command is not None, f"{where}: there is no verb {word!r}"
