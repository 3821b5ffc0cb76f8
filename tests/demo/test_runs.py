"""The whole demo, run as a user runs it, on a small folder. What its modules do alone is tested beside this."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from queuemgr import App, Query, State
from queuemgr.demo.watch import UNFINISHED
from queuemgr.demo.workers import Crew
from tests.demo.rig import RUN, Demo, computed, environment
from tests.servers.process import until

pytestmark = [pytest.mark.slow, pytest.mark.crash]
Start = Callable[..., Demo]


def plain_files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in found if "__pycache__" not in path.parts]


def test_the_summary_is_what_the_folder_holds_although_two_workers_were_killed(demo: Start, folder: Path) -> None:
    code, out, err = demo(json=True, kill=True, seconds=1.5).end()
    summary = json.loads(out)
    expected = computed(*plain_files(folder))
    assert code == 0, err
    assert {name: summary["totals"][name] for name in expected} == expected
    assert summary["equal"]
    assert summary["totals"] == summary["directly"]
    assert len(summary["killed"]) == 2
    assert summary["troubles"]["taken_back"] >= 1
    assert summary["troubles"]["succeeded"] == len(plain_files(folder))
    assert "Traceback" not in err


def test_the_summary_tells_what_was_retried_what_is_dead_and_what_was_special(demo: Start, folder: Path) -> None:
    one = demo(json=True)
    _, out, err = one.end()
    summary = json.loads(out)
    assert "of 15 jobs" in err
    [dead] = summary["troubles"]["dead"]
    assert (dead["file"], dead["error"]) == ("this-file-does-not-exist", "FileNotFoundError")
    assert summary["commands"]["show"].endswith(f"queuemgr jobs show {dead['job']}")
    assert summary["commands"]["retry"].endswith(f"queuemgr jobs retry {dead['job']}")
    assert summary["commands"]["export"] == f"export QUEUEMGR_STORE={one.store}"
    assert {(t["error"], t["succeeded_at"] >= 2) for t in summary["troubles"]["retried"]} == {("ConnectionError", True)}
    assert [len(files) for files in summary["special"].values()] == [1, 1]
    assert summary["left_out"] == {"__pycache__": 1, "symbolic links": 1, "sockets, pipes and devices": 2}
    assert summary["beats"] >= 1
    sizes = sorted((path.stat().st_size for path in plain_files(folder)), reverse=True)
    assert [large["bytes"] for large in summary["totals"]["largest"]] == sizes[:10]


def test_a_second_run_on_the_same_store_counts_only_itself(demo: Start) -> None:
    assert demo(limit=2).end()[0] == 0
    code, out, _ = demo(limit=2, json=True).end()
    assert code == 0
    assert json.loads(out)["jobs"] == 3


def test_without_a_terminal_there_are_only_lines_and_in_the_end_the_database_stays(demo: Start) -> None:
    one = demo(limit=5)
    code, out, err = one.end()
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert re.search(r"^0:0\d  \d of 6 jobs, \d+/s", out, re.MULTILINE)
    assert "checked against a direct computation: equal\n" in out
    app = App(one.store)
    assert app.client.schedules() == []
    assert app.client.count(Query(states=(State.DEAD,))) == 1
    app.close()
    assert not one.left


def test_in_a_terminal_it_takes_the_screen_and_gives_it_back(folder: Path, tmp_path: Path) -> None:
    shown = on_a_terminal(24, 80, {"folder": str(folder), "seconds": 0.5}, tmp_path)
    screen, after = shown.split("\x1b[?1049h", 1)[1].split("\x1b[?1049l", 1)
    assert "each file is read in a job of its own" in screen
    assert "Traceback" not in shown
    assert re.search(r"checked against a direct computation: .*equal", after)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", screen).splitlines()
    assert max(map(len, lines)) <= 80


def on_a_terminal(rows: int, columns: int, options: dict[str, object], home: Path) -> str:
    """All that was written to it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    command = [sys.executable, "-c", RUN, json.dumps(options)]
    env = {**environment(home), "TERM": "xterm"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    written = b""
    try:
        while data := os.read(ours, 65536):
            written += data
    except OSError:  # the other end was closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return written.decode()


def test_ctrl_c_leaves_no_process_behind_and_the_rest_can_be_done_later(demo: Start, tmp_path: Path) -> None:
    one = demo(seconds=1.0)
    app = App(one.store)
    until(lambda: (tmp_path / "jobs.db").exists() and app.client.count(Query(states=(State.SUCCEEDED,))) > 3)
    one.process.send_signal(signal.SIGINT)
    code, _, err = one.end()
    assert code == 130
    assert not one.left
    assert f"export QUEUEMGR_STORE={one.store}" in err
    assert "queuemgr worker queuemgr.demo.tasks:app" in err
    assert app.client.schedules() == []
    assert app.client.count(Query(states=UNFINISHED)) > 0
    crew = Crew(one.store, 1, tmp_path / "later.log")
    until(lambda: app.client.count(Query(states=UNFINISHED)) == 0)
    crew.stop()
    app.close()


def test_the_workers_end_when_the_demo_is_killed(demo: Start) -> None:
    one = demo(seconds=2.0)
    until(lambda: len(one.left) >= 3)
    one.process.kill()
    until(lambda: not one.left)
    assert one.end()[0] == -signal.SIGKILL


def test_a_file_that_changes_meanwhile_is_named_and_not_counted(demo: Start, folder: Path) -> None:
    one = demo(json=True)
    changing = folder / "3.txt"
    while one.process.poll() is None:
        with changing.open("a") as file:
            file.write("more ")
        time.sleep(0.02)
    code, out, err = one.end()
    summary = json.loads(out)
    assert code == 0, err
    assert summary["changed"] == ["3.txt"]
    assert summary["totals"]["files"] == len(plain_files(folder)) - 1


def test_a_lost_result_is_a_difference_and_exit_code_1(demo: Start) -> None:
    one = demo()
    app = App(one.store)
    until(lambda: (one.home / "jobs.db").exists() and app.client.find(done, 1).jobs)
    assert app.client.delete(app.client.find(done, 1).jobs[0].id) == 1
    code, out, _ = one.end()
    app.close()
    assert code == 1
    assert "NOT EQUAL, 1 file differ" in out


done = Query(task="queuemgr.demo.tasks.read", states=(State.SUCCEEDED,))


def test_a_reader_that_goes_away_ends_the_demo_quietly(demo: Start) -> None:
    one = demo(limit=2)
    assert one.process.stdout is not None
    one.process.stdout.close()
    one.process.wait(timeout=60)
    assert one.process.stderr is not None
    assert one.process.returncode == 128 + signal.SIGPIPE
    assert one.process.stderr.read() == ""
    assert not one.left
