"""Workers and clients in which every event loop is uvloop's: jobs of all kinds, signals, and code that blocks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from queuemgr.errors import ResultError
from queuemgr.job import State
from queuemgr.task import Task
from tests.servers.process import PATIENCE, until

ROOT = Path(__file__).parents[2]
NAME = "tests.worker.uvloop_app"


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    found: str = request.getfixturevalue("redis_url")
    return found


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "STORE": url, "PYTHONPATH": str(ROOT)}


def task_of(app: App, name: str) -> Task[..., Any, Any]:
    """It can be enqueued here, where no event loop is uvloop's."""

    def stands_in(*args: str) -> Any:
        raise NotImplementedError

    return app.task(name=f"{NAME}.{name}")(stands_in)


@contextmanager
def working(url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "queuemgr", "worker", f"{NAME}:app"]
    with log.open("wb") as told:
        worker = subprocess.Popen(command, env=environment(url), stdout=told, stderr=told)
    try:
        yield worker
        worker.terminate()
        assert worker.wait(PATIENCE) == 0, log.read_text()
    finally:
        worker.kill()
        worker.wait()


def test_jobs_of_every_kind_run_and_their_results_arrive(url: str, tmp_path: Path) -> None:
    with working(url, tmp_path / "log"):
        client = [sys.executable, "-c", f"from {NAME} import ask; ask()"]
        done = subprocess.run(client, env=environment(url), capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [["uvloop"] * 4] * 5 + [["uvloop"] * 2]


@pytest.mark.parametrize("times", [1, 2])
def test_the_first_signal_lets_a_job_end_and_the_second_stops_it(url: str, times: int, tmp_path: Path) -> None:
    begun, free, log = tmp_path / "begun", tmp_path / "free", tmp_path / "log"
    with closing(App(url)) as app:
        job = task_of(app, "holds").enqueue(str(begun), str(free))
        with working(url, log) as worker:
            until(begun.exists)
            worker.send_signal(signal.SIGTERM)
            until(lambda: "1 running may end" in log.read_text())
            if times == 1:
                free.touch()
            else:
                worker.send_signal(signal.SIGTERM)
            assert worker.wait(PATIENCE) == 0, log.read_text()
        assert job.look().state is (State.SUCCEEDED if times == 1 else State.READY)


def test_an_overdue_task_of_a_job_that_blocks_the_loop_is_broken_off(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    with closing(App(url, attempts=1)) as app:
        spinning, other = task_of(app, "spins").enqueue(), task_of(app, "in_the_loop").enqueue()
        with working(url, tmp_path / "log"):
            with pytest.raises(ResultError, match=r"stopped after 0\.2 s"):
                spinning.result(PATIENCE)
            assert other.result(PATIENCE) == "uvloop"
