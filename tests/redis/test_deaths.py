"""Workers and producers are killed at the worst moments; what they held runs again, and what was done stays done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from queuemgr import App, State
from tests.servers.process import until

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys, time
from pathlib import Path
from queuemgr import App
app = App(os.environ["URL"])
@app.task
def note(path: str, linger: bool) -> None:
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\\n")
    if linger and len(Path(path).read_text().split()) == 1:
        time.sleep(60)
"""

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path, redis_url: str) -> Iterator[Start]:
    """Starts a worker, which is killed at the end of the test at the latest."""
    (tmp_path / "program.py").write_text(PROGRAM)
    with ExitStack() as crew:

        def start(code: str = "app.work()", **variables: str) -> subprocess.Popen[bytes]:
            environment = {**os.environ, "URL": redis_url, "PYTHONPATH": f"{ROOT}:{tmp_path}", **variables}
            command = [sys.executable, "-c", f"from program import *\n{code}"]
            process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
            crew.callback(process.wait)
            crew.callback(process.kill)
            return process

        yield start


@pytest.fixture
def app(redis_url: str) -> Iterator[App]:
    app = App(redis_url)

    @app.task(name="program.note")
    def note(path: str, linger: bool) -> None: ...

    yield app
    app.close()


def runs(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_the_job_of_a_killed_worker_runs_again(app: App, start: Start, tmp_path: Path) -> None:
    path = tmp_path / "runs"
    first = start()
    handle = app.tasks["program.note"].enqueue(str(path), True)
    until(lambda: runs(path))
    first.send_signal(signal.SIGKILL)
    start()
    handle.result(30)
    record = app.client.get(handle.id)
    assert len(runs(path)) == 2
    assert (record.state, record.crashes) == (State.SUCCEEDED, 1)
    assert [attempt.outcome for attempt in record.attempts] == ["interrupted", "succeeded"]


@pytest.mark.parametrize(("point", "number"), [("claim.committed", 1), ("run.after", 2), ("settle.committed", 1)])
def test_a_worker_that_dies_at_the_worst_moment_loses_nothing(
    app: App, start: Start, tmp_path: Path, point: str, number: int
) -> None:
    path = tmp_path / "runs"
    handle = app.tasks["program.note"].enqueue(str(path), False)
    first = start(QUEUEMGR_DIE_AT=point)
    assert first.wait(60) == -signal.SIGKILL
    start()
    handle.result(30)
    assert len(runs(path)) == number


def test_a_producer_that_dies_after_its_enqueue_has_left_a_job(app: App, start: Start, tmp_path: Path) -> None:
    producer = start(f"note.enqueue({str(tmp_path / 'runs')!r}, False)", QUEUEMGR_DIE_AT="enqueue.committed")
    assert producer.wait(60) == -signal.SIGKILL
    (queue,) = app.client.queues()
    assert dict(queue.counts) == {State.READY: 1}
