"""Workers of both kinds are killed on every step of a job's way, and Redis with them. No job is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from lara_queue import Queue
from tests.lara_queue.conftest import Make
from tests.servers.process import PATIENCE, until
from tests.servers.redis import Redis

ROOT = Path(__file__).parents[2]
JOBS = 6
# The point at which the worker dies, and how many jobs may have ended there without having been settled.
POINTS = {
    "claim.updated": 0,
    "claim.committed": 0,
    "run.before": 3,
    "run.after": 3,
    "settle.updated": 3,
    "settle.committed": 3,
}
KINDS = ["sync", "async"]


@contextmanager
def worker(port: int, appname: str, kind: str, file: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    told = {"PORT": str(port), "APPNAME": appname, "KIND": kind, "RAN": str(file), "SECONDS": "0", "COUNT": "-1"}
    command = [sys.executable, "-m", "tests.lara_queue.program"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **told, **more})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def lines(file: Path) -> Counter[str]:
    return Counter(file.read_text().splitlines()) if file.exists() else Counter()


def all_ended(file: Path) -> bool:
    return all(lines(file)[f"ended {n}"] for n in range(JOBS))


def waiting(port: int, appname: str) -> int:
    """How many jobs are in the queue or reserved."""
    ready = f"{appname}_database_queues:python"
    with redis.Redis(port=port) as client:
        return int(client.llen(ready)) + int(client.zcard(f"{ready}:reserved"))


@pytest.mark.crash
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("point", "unsettled"), POINTS.items())
def test_a_worker_that_is_killed_loses_no_job(
    make: Make, port: int, appname: str, tmp_path: Path, kind: str, point: str, unsettled: int
) -> None:
    file, queue = tmp_path / "ran", make()
    for n in range(JOBS):
        queue.push("Job", {"n": n})
    with worker(port, appname, kind, file, QUEUEMGR_DIE_AT=point) as first:
        assert first.wait(PATIENCE) == -signal.SIGKILL
    with worker(port, appname, kind, file) as second:
        until(lambda: all_ended(file) and not waiting(port, appname))
        second.terminate()
        assert second.wait(PATIENCE) == 0
    assert sum(lines(file)[f"ended {n}"] for n in range(JOBS)) - JOBS <= unsettled
    with redis.Redis(port=port) as client:
        # What was answered to the last call stands for a minute.
        assert [key for key in client.scan_iter(f"{appname}_*", count=10_000) if b":sent:" not in key] == []


@pytest.mark.crash
@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_killed_in_a_run_is_followed_by_another_within_seconds(
    make: Make, port: int, appname: str, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "ran"
    make().push("Job", {"n": 0})
    with worker(port, appname, kind, file, SECONDS="60") as first:
        until(lambda: lines(file)["began 0"])
        first.kill()
        first.wait()
    began = time.monotonic()
    with worker(port, appname, kind, file, COUNT="1") as second:
        assert second.wait(PATIENCE) == 0
    assert time.monotonic() - began < 12
    assert lines(file)["ended 0"] == 1


@pytest.mark.crash
@pytest.mark.parametrize("kind", KINDS)
def test_sigterm_lets_the_running_job_end_and_leaves_the_rest(
    make: Make, port: int, appname: str, tmp_path: Path, kind: str
) -> None:
    file, queue = tmp_path / "ran", make()
    for n in range(JOBS):
        queue.push("Job", {"n": n})
    with worker(port, appname, kind, file, SECONDS="1") as one:
        until(lambda: lines(file)["began 0"])
        one.terminate()
        assert one.wait(PATIENCE) == 0
    ran = lines(file)
    began = sum(ran[f"began {n}"] for n in range(JOBS))
    assert 1 <= began == sum(ran[f"ended {n}"] for n in range(JOBS)) < JOBS
    with redis.Redis(port=port) as client:
        assert client.llen(f"{appname}_database_queues:python") == JOBS - began


@pytest.mark.crash
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_restarts_in_the_middle_loses_and_doubles_nothing(
    own_redis: Callable[..., Redis], tmp_path: Path, kind: str
) -> None:
    server = own_redis("--appendfsync", "always")
    file, queue = tmp_path / "ran", Queue(redis.Redis(port=server.port), "python")
    for n in range(JOBS):
        queue.push("Job", {"n": n})
    with worker(server.port, "laravel", kind, file, SECONDS="0.4", COUNT=str(JOBS)) as one:
        until(lambda: lines(file)["began 1"])
        server.restart()
        assert one.wait(PATIENCE) == 0
    assert {n: lines(file)[f"ended {n}"] for n in range(JOBS)} == dict.fromkeys(range(JOBS), 1)
