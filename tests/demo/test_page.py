"""The page beside the demo: it shows the first jobs, and ends with the demo, however that ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.demo.rig import RUN, Demo, environment
from tests.servers.process import until

pytestmark = [pytest.mark.slow, pytest.mark.crash]
Start = Callable[..., Demo]


def address(demo: Demo) -> str:
    assert demo.process.stdout is not None
    for line in demo.process.stdout:
        if line.startswith("the page is at "):
            return line.split()[-1]
    raise AssertionError(demo.process.stderr and demo.process.stderr.read())


def asked(url: str) -> dict[str, object]:
    with urlopen(url, timeout=20) as answer:
        told: dict[str, object] = json.load(answer)
    return told


def is_gone(url: str) -> bool:
    """The kernel takes a process's memory, by which `left` knows it, before it closes its sockets."""
    try:
        asked(f"{url}/healthz")
    except (URLError, ConnectionError):
        return True
    return False


def test_the_page_shows_the_jobs_and_the_tasks_while_the_demo_runs_and_goes_with_it(demo: Start) -> None:
    one = demo(web=True, seconds=3.0)
    url = address(one)
    until(lambda: asked(f"{url}/api/v1/jobs")["jobs"])
    assert asked(f"{url}/api/v1/tasks")["source"] == "app"
    with urlopen(url, timeout=20) as page:
        assert b"<html" in page.read()
    code, _, err = one.end()
    assert (code, err) == (0, "")
    assert not one.left
    until(lambda: is_gone(url))


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGKILL])
def test_the_page_ends_when_the_demo_is_stopped_or_killed(demo: Start, word: signal.Signals) -> None:
    one = demo(web=True, seconds=3.0)
    url = address(one)
    assert asked(f"{url}/healthz")
    one.process.send_signal(word)
    until(lambda: not one.left)
    one.end()
    until(lambda: is_gone(url))


def test_at_a_terminal_the_page_stays_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two")
    ours, theirs = pty.openpty()
    options = {"folder": str(tmp_path), "store": f"sqlite:///{tmp_path}/jobs.db", "seconds": 0.1, "web": True}
    command = [sys.executable, "-c", RUN, json.dumps(options)]
    demo = subprocess.Popen(command, env=environment(tmp_path), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"until Ctrl-C" not in said:
        said += os.read(ours, 65536)
    url = said.partition(b"The page stays at ")[2].split()[0].decode()
    assert asked(f"{url}/healthz")
    demo.send_signal(signal.SIGINT)
    while _read(ours):
        pass
    assert demo.wait(60) == 0
    os.close(ours)
    until(lambda: is_gone(url))


def _read(terminal: int) -> bytes:
    """Nothing once everybody has closed the other side."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
