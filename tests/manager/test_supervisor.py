"""Worker processes under one command, with real processes and real signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from queuemgr import App

PATIENCE = 60.0
APP = """
import ctypes, os, time
from pathlib import Path
from queuemgr import App

app = App("sqlite:///jobs.db")

@app.task
def mark(name: str) -> None:
    with open("marks", "a") as marks:
        marks.write(f"{name} {os.getpid()}\\n")

@app.task
def long(seconds: float) -> None:
    mark.function("begun")
    time.sleep(seconds)
    mark.function("ended")

@app.task
def stuck() -> None:
    mark.function("begun")
    ctypes.PyDLL(None).sleep(600)  # it holds the GIL: nothing in Python, a signal's handler neither, runs any more
"""
MAIN = "from queuemgr.manager.supervisor import supervise; import sys; sys.exit(supervise({app!r}, {n}, {settings}))"


class Command:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, processes: int = 2, app: str = "shop:app", settings: str = "grace=10") -> None:
        code = MAIN.format(app=app, n=processes, settings=settings)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(self.folder), *filter(None, sys.path)])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def enqueue(self, call: str) -> None:
        subprocess.run(
            [sys.executable, "-c", f"import shop; shop.{call}"],
            cwd=self.folder,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(self.folder), *filter(None, sys.path)])},
        )

    def workers(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children()

    def marks(self, name: str) -> list[int]:
        file = self.folder / "marks"
        lines = file.read_text().splitlines() if file.exists() else []
        return [int(line.split()[1]) for line in lines if line.startswith(name)]

    def signal(self, signum: int) -> None:
        """Send it; two of a kind would be one if the second came before the first was taken."""
        process = self.process
        assert process is not None
        process.send_signal(signum)
        wait_for(lambda: process.poll() is not None or not _is_pending(process.pid, signum), "nobody took the signal")

    def states(self) -> list[str]:
        """What the workers say of themselves."""
        app = App(f"sqlite:///{self.folder}/jobs.db")
        try:
            return [worker.state for worker in app.client.workers()]
        finally:
            app.close()

    def end(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "shop.py").write_text(APP)
    command = Command(tmp_path)
    yield command
    if command.process is not None:
        for process in (*(command.workers() if command.process.poll() is None else ()),):
            process.kill()
        command.process.kill()
        command.process.communicate()


def _is_pending(pid: int, signum: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    (pending,) = re.findall(r"^ShdPnd:\t(\w+)$", status, re.MULTILINE)
    return bool(int(pending, 16) & 1 << (signum - 1))


def wait_for(condition: object, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.crash
def test_a_killed_worker_is_started_again_and_its_job_with_it(command: Command) -> None:
    command.enqueue("long.enqueue(30.0)")
    started = time.monotonic()
    command.start(processes=1)
    wait_for(lambda: command.marks("begun"), "the job did not begin")
    (first,) = command.marks("begun")
    killed = time.monotonic()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(command.marks("begun")) == 2, "the job did not begin again")
    # Nothing more than what the first start took: on a machine that is busy, more seconds.
    assert time.monotonic() - killed < max(3, 2 * (killed - started))
    assert command.marks("begun")[1] != first
    command.signal(signal.SIGTERM)
    command.signal(signal.SIGTERM)


@pytest.mark.crash
def test_a_worker_that_a_nameless_signal_ended_is_started_again(command: Command) -> None:
    command.start(processes=1)
    wait_for(command.states, "no worker began")
    (first,) = command.workers()
    first.send_signal(signal.SIGRTMIN + 12)
    wait_for(lambda: [worker.pid for worker in command.workers()] not in ([], [first.pid]), "no other one was started")
    command.signal(signal.SIGTERM)
    assert command.end() == 0


def test_the_first_signal_lets_jobs_end(command: Command) -> None:
    command.start()
    command.enqueue("long.enqueue(0.5)")
    wait_for(lambda: command.marks("begun"), "the job did not begin")
    command.signal(signal.SIGTERM)
    assert command.end() == 0
    assert len(command.marks("ended")) == 1


def test_the_second_signal_stops_at_once(command: Command) -> None:
    command.start(settings="grace=60")
    command.enqueue("long.enqueue(60.0)")
    wait_for(lambda: command.marks("begun"), "the job did not begin")
    workers = command.workers()
    command.signal(signal.SIGTERM)
    wait_for(lambda: set(command.states()) == {"stopping"}, "the first signal did not reach the workers")
    assert command.process is not None
    assert command.process.poll() is None
    stopped = time.monotonic()
    command.signal(signal.SIGTERM)
    command.end()
    assert time.monotonic() - stopped < 30
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)


@pytest.mark.crash
def test_the_third_signal_kills_what_cannot_be_stopped(command: Command) -> None:
    command.start(processes=1, settings="grace=60")
    command.enqueue("stuck.enqueue()")
    wait_for(lambda: command.marks("begun"), "the job did not begin")
    for _ in range(2):
        command.signal(signal.SIGTERM)
    assert command.process is not None
    assert command.process.poll() is None
    command.signal(signal.SIGTERM)
    assert command.end() == signal.SIGKILL


@pytest.mark.crash
def test_the_workers_stop_when_their_supervisor_is_killed(command: Command) -> None:
    command.start()
    wait_for(lambda: len(command.workers()) == 2, "the workers did not start")
    workers = command.workers()
    command.enqueue("mark.enqueue('ready')")
    wait_for(lambda: command.marks("ready"), "nothing ran")
    command.signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(workers, PATIENCE)
    assert not alive


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("nosuch:app", "there is no module 'nosuch'"),
        ("shop.py", "did you mean shop:app?"),
        ("shop:ap", "did you mean 'app'"),
        ("shop:", None),
    ],
)
def test_a_wrong_app_is_told_once_and_not_tried_again(command: Command, app: str, said: str | None) -> None:
    if said is None:
        command.start(processes=1, app=app, settings="burst=True")
        assert command.end() == 0
        return
    command.start(processes=2, app=app)
    assert command.process is not None
    _, errors = command.process.communicate(timeout=PATIENCE)
    assert command.process.returncode == 78
    assert errors.count(said) == 2
    assert "Traceback" not in errors


def test_burst_workers_end_when_nothing_is_left(command: Command) -> None:
    command.enqueue("app.client.enqueue_many([shop.mark.call(f'n{i}') for i in range(20)])")
    command.start(settings="burst=True")
    assert command.end() == 0
    assert len(command.marks("n")) == 20


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP])
def test_what_a_terminal_sends_to_all_is_one_stop(command: Command, signum: int) -> None:
    command.start()
    command.enqueue("long.enqueue(0.5)")
    wait_for(lambda: command.marks("begun"), "the job did not begin")
    assert command.process is not None
    os.killpg(command.process.pid, signum)
    assert command.end() == 0
    assert len(command.marks("ended")) == 1
