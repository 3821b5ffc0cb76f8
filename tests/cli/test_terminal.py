"""What people see: tables that fit, colours only where they are wanted, and nothing that a job's words could break."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress

import pytest
from rich.cells import cell_len

from .conftest import Shop, call, environ, run

ESCAPE = "\x1b["
WIDE = ("jobs list", "queues list", "workers list", "store info", "schedules list", "monitor --once", "jobs show last")


@pytest.fixture
def busy(shop: Shop, join: Callable[..., None], claim: Callable[..., None]) -> Shop:
    """A store with a bit of everything, some of it unkind."""
    shop.die()
    call("schedules", "add", "pulse", "every 1h", f"{shop.module}.add", "1", "2", "--store", shop.url)
    call("enqueue", "a.task.with.a.rather.long.name.in.a.module", "\x1b[31mred", "日本語", "--store", shop.url)
    join("w1", queues=("default", "mail"), tasks=(f"{shop.module}.age",))
    shop.task("age").enqueue()
    claim("w1", progress=40.0, note="[bold]\x1b[2Jnot markup[/bold]", output=[(0.0, "stdout", "\x1b[2Jcleared\n")])
    return shop


@pytest.mark.parametrize("verb", WIDE)
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    busy: Shop, verb: str, columns: int, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    text = call(*verb.split(), "--store", busy.url).stdout
    # Commands to copy are one line, whatever its length.
    lines = [line for line in text.splitlines() if ": queuemgr " not in line]
    assert max(map(cell_len, lines)) <= columns


def test_no_measure_is_without_its_name_in_a_usual_terminal(
    busy: Shop, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    heads = call("metrics", "--store", busy.url).stdout.splitlines()[0]
    assert heads.split("  ")[-1] == "AVG WAIT"
    assert "QUEUE LENGTH" in heads
    assert "…" not in heads


def test_the_id_of_a_job_is_never_cut(busy: Shop, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    job = busy.app.client.find(limit=1).jobs[0].id
    for columns in ("50", "80", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        assert job in call("jobs", "list", "--store", busy.url).stdout


@pytest.mark.parametrize("verb", WIDE)
def test_a_job_cannot_command_the_terminal(busy: Shop, verb: str, terminal: None) -> None:
    text = call(*verb.split(), "--store", busy.url).stdout
    assert "\x1b[31m" not in text
    assert "\x1b[2J" not in text


def test_notes_of_jobs_are_no_markup(busy: Shop, terminal: None) -> None:
    assert "[bold]\\x1b[2Jnot markup[/bold]" in call("jobs", "show", "last", "--store", busy.url).stdout


@pytest.mark.parametrize("verb", WIDE)
def test_a_pipe_gets_no_colours_and_no_cut_words(busy: Shop, verb: str) -> None:
    text = call(*verb.split(), "--store", busy.url).stdout
    assert ESCAPE not in text
    if "monitor" not in verb:
        assert "\u2026" not in text


def test_a_pipe_gets_whole_lines_whatever_columns_says(busy: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    text = call("jobs", "list", "--store", busy.url).stdout
    assert "a.task.with.a.rather.long.name.in.a.module" in text
    assert (
        len({re.search("TASK|a.task", line).start() for line in text.splitlines() if re.search("TASK|a.task", line)})
        == 1
    )  # type: ignore[union-attr]


def test_a_terminal_gets_colours_unless_they_are_not_wanted(busy: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    red = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert red.search(call("jobs", "list", "--store", busy.url).stdout)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not red.search(call("jobs", "list", "--store", busy.url).stdout)


def test_a_narrow_list_keeps_what_matters_most(busy: Shop, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = []
    for columns in ("160", "80", "60"):
        monkeypatch.setenv("COLUMNS", columns)
        heads.append(call("jobs", "list", "--store", busy.url).stdout.split("\n")[0].split())
    assert heads == [
        ["ID", "STATE", "TASK", "QUEUE", "TRIES", "AGE", "WHAT"],
        ["ID", "STATE", "TASK", "QUEUE", "AGE"],
        ["ID", "STATE", "TASK"],
    ]


def test_in_a_locale_without_these_letters_they_are_spelled_out(busy: Shop) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run("jobs", "list", "--store", busy.url, environment=ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    done = run(
        "jobs", "show", "last", "--store", busy.url, environment={**ascii_only, "FORCE_COLOR": "1", "TERM": "dumb"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "#####-------" in done.stdout
    done = run("jobs", "list", "--task", "größe", "--store", busy.url, environment={**ascii_only, "FORCE_COLOR": "1"})
    assert done.returncode == 0


@pytest.mark.parametrize(
    "words", [["jobs", "list"], ["jobs", "list", "--json"], ["--help"], ["store", "info"]], ids=" ".join
)
def test_a_reader_that_goes_away_is_no_error(busy: Shop, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    store = ["--store", busy.url] if words[0] != "--help" else []
    done = run(*words, *store, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def in_terminal(words: list[str], columns: int, keys: bytes = b"", until: bytes = b"") -> tuple[int, str]:
    """Run it in a terminal of its own; press `keys` once `until` has been seen. Exit code and all that was drawn."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    # The interpreter in between makes the terminal its own, as a shell's would be, so that Ctrl-C reaches it.
    own = (
        f"import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        f" os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", own, "-m", "queuemgr", *words]
    process = subprocess.Popen(
        command, env=environ({"TERM": "xterm"}), stdin=child, stdout=child, stderr=child, start_new_session=True
    )
    os.close(child)
    drawn = b""
    with suppress(OSError):  # the terminal's other side is closed: it has ended
        while select.select([parent], [], [], 60)[0] and (data := os.read(parent, 65536)):
            drawn += data
            if keys and until in drawn:
                os.write(parent, keys)
                keys = b""
    os.close(parent)
    return process.wait(60), drawn.decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_a_real_terminal_is_used_in_its_width(busy: Shop, columns: int) -> None:
    code, text = in_terminal(["jobs", "list", "--store", busy.url], columns)
    assert code == 0
    assert ESCAPE in text
    assert ("WHAT" in text) is (columns == 120)


def test_the_monitor_listens_to_keys_and_leaves_the_terminal_as_it_was(busy: Shop) -> None:
    words = ["monitor", "--every", "0.1", "--store", busy.url]
    code, text = in_terminal(words, 80, keys=b"\x1b[Bpq", until=b"q quit")
    assert code == 0
    assert "\x1b[?1049l" in text
    assert {queue.name: queue.paused for queue in busy.app.client.queues()} == {"default": False, "mail": True}


def test_interrupting_has_a_code_of_its_own(busy: Shop) -> None:
    code, text = in_terminal(["jobs", "list", "--watch", "--store", busy.url], 80, keys=b"\x03", until=b"STATE")
    assert code == 130
    assert "queuemgr: interrupted" in text
    assert "Traceback" not in text


def test_a_person_is_asked_in_a_real_terminal(busy: Shop) -> None:
    words = ["jobs", "delete", "--state", "dead", "--store", busy.url]
    code, text = in_terminal(words, 80, keys=b"y\n", until=b"[y/N]")
    assert code == 0
    assert "1 job deleted" in text
