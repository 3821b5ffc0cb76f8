"""Workers in Python are killed on every step of a job's way. No job is lost, and none is doubled that was settled."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from queuemgr.app import open_store
from queuemgr.errors import StoreUnavailable
from queuemgr.job import Job, new_id
from queuemgr.store import Query
from tests.pace import quickest
from tests.servers.process import until, until_async
from tests.servers.redis import Redis

from .application import PATIENCE, Application

Own = Callable[..., Redis]

ROOT = Path(__file__).parents[3]
TASK = "App\\Jobs\\Greet"
JOBS = 6
# The point at which the worker dies, and how many jobs may have ended there without having been settled.
POINTS = {
    "claim.updated": 0,
    "claim.committed": 0,
    "run.before": 0,
    "run.after": 2,
    "settle.updated": 2,
    "settle.committed": 1,
}


async def send(url: str, number: int) -> None:
    store = open_store(url)
    await store.enqueue([Job(id=new_id(), task=TASK, args=b'[[],{"n":%d}]' % n) for n in range(number)])
    await store.close()


async def left(url: str) -> int:
    store = open_store(url)
    try:
        return await store.count(Query())
    finally:
        await store.close()


@contextmanager
def worker(url: str, file: Path, seconds: float = 0.0, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.dialects.laravel.program"]
    told = {"STORE": url, "RAN": str(file), "SECONDS": str(seconds)}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **told, **environment})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def lines(file: Path) -> Counter[str]:
    return Counter(file.read_text().splitlines()) if file.exists() else Counter()


def until_told(file: Path, line: str) -> None:
    until(lambda: lines(file)[line])


@pytest.mark.crash
@pytest.mark.parametrize(("point", "unsettled"), POINTS.items())
def test_a_worker_that_is_killed_loses_no_job_and_doubles_none_that_was_settled(
    url: str, tmp_path: Path, point: str, unsettled: int
) -> None:
    file = tmp_path / "ran"
    asyncio.run(send(url, JOBS))
    with worker(url, file, QUEUEMGR_DIE_AT=point) as first:
        assert first.wait(PATIENCE) == -signal.SIGKILL
    with worker(url, file) as second:
        assert second.wait(PATIENCE) == 0
    ended = {n: lines(file)[f"ended {n}"] for n in range(JOBS)}
    assert min(ended.values()) == 1
    assert sum(ended.values()) - JOBS <= unsettled
    assert asyncio.run(left(url)) == 0


@pytest.mark.crash
def test_a_worker_that_is_killed_in_a_run_is_followed_by_another_within_seconds(url: str, tmp_path: Path) -> None:
    files = (tmp_path / f"ran {number}" for number in count())
    assert quickest(lambda: seconds_until_followed(url, next(files)), 8.0) < 8.0


def seconds_until_followed(url: str, file: Path) -> float:
    asyncio.run(send(url, 1))
    with worker(url, file, 30.0) as first:
        until_told(file, "began 0")
        first.kill()
        first.wait()
        began = time.monotonic()
        with worker(url, file) as second:
            assert second.wait(PATIENCE) == 0
    assert lines(file)["ended 0"] == 1
    return time.monotonic() - began


@pytest.mark.crash
def test_a_long_job_is_not_started_twice_by_any_worker_while_its_own_lives(
    url: str, tmp_path: Path, peer: Application
) -> None:
    url = f"{url}&retry_after=2"
    file = tmp_path / "ran"
    asyncio.run(send(url, 1))
    with worker(url, file, 6.0) as first:
        until_told(file, "began 0")
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            assert peer.work() == []
            with worker(url, file) as second:
                assert second.wait(PATIENCE) == 0
        assert first.wait(PATIENCE) == 0
    assert lines(file) == {"began 0": 1, "ended 0": 1}


@pytest.mark.crash
def test_laravels_worker_runs_what_a_killed_worker_left_as_if_for_the_first_time(
    url: str, tmp_path: Path, peer: Application
) -> None:
    file = tmp_path / "ran"
    asyncio.run(send(url, 1))
    with worker(url, file, 30.0) as first:
        until_told(file, "began 0")
        # Its pulse dies with it here, as if the whole machine had gone.
        children = subprocess.run(["pgrep", "-P", str(first.pid)], capture_output=True, text=True, check=True)
        for child in children.stdout.split():
            os.kill(int(child), signal.SIGKILL)
        first.kill()
        first.wait()
    peer.forget_reservations()
    (ran,) = peer.work()
    assert (ran["n"], ran["attempt"]) == (0, 1)


@pytest.mark.crash
def test_a_server_that_restarts_in_the_middle_loses_and_doubles_nothing(own_redis: Own, tmp_path: Path) -> None:
    server = own_redis("--appendfsync", "always")
    parts = urlsplit(server.url)
    url = f"laravel+redis://{parts.netloc}{parts.path}"
    file = tmp_path / "ran"
    asyncio.run(send(url, JOBS))
    with worker(url, file, 0.5) as one:
        until_told(file, "began 1")
        server.kill()
        # Now there is nobody whom the worker can tell of it.
        until_told(file, "ended 1")
        server.start()
        assert one.wait(PATIENCE) == 0
    assert {line: count for line, count in lines(file).items() if line.startswith("ended")} == {
        f"ended {n}": 1 for n in range(JOBS)
    }
    assert asyncio.run(left(url)) == 0


def test_many_workers_of_both_kinds_run_every_job_once(url: str, tmp_path: Path, peer: Application) -> None:
    asyncio.run(send(url, 150))
    files = [tmp_path / f"ran {number}" for number in range(3)]
    with ExitStack() as stack:
        ours = [stack.enter_context(worker(url, file, 0.01)) for file in files]
        pool = stack.enter_context(ThreadPoolExecutor(2))
        theirs = [ran["n"] for done in [pool.submit(peer.work) for _ in range(2)] for ran in done.result()]
        assert [one.wait(PATIENCE) for one in ours] == [0, 0, 0]
    ended = sum((lines(file) for file in files), Counter(f"ended {n}" for n in theirs))
    assert {n: ended[f"ended {n}"] for n in range(150)} == dict.fromkeys(range(150), 1)
    assert asyncio.run(left(url)) == 0


@pytest.mark.parametrize("executor", ["thread", "async", "process", "pool"])
def test_every_executor_runs_what_laravel_dispatches(
    url: str, tmp_path: Path, peer: Application, executor: str
) -> None:
    file = tmp_path / "ran"
    peer.send({"n": 7, "name": "ann", "opts": {"k": [1]}})
    with worker(url, file, EXECUTOR=executor) as one:
        # A pool starts three processes one after the other, which takes its time on a machine that is busy otherwise.
        assert one.wait(90) == 0
    assert lines(file) == {"began 7": 1, "ended 7": 1}
    assert asyncio.run(left(url)) == 0


def waits(server: Redis) -> bool:
    """Whether somebody waits at the server for a token."""
    with redis.Redis(port=server.port) as client:
        return bool(client.info("clients")["blocked_clients"])


def test_a_lost_connection_is_told_in_our_words_and_the_next_call_works(own_redis: Own) -> None:
    server = own_redis()
    parts = urlsplit(server.url)

    async def play() -> None:
        store = open_store(f"laravel+redis://{parts.netloc}{parts.path}")
        await store.enqueue([Job(id=new_id(), task=TASK, args=b"[[]]", delay=600)])
        waiting = asyncio.create_task(store.wait(["default"], 20.0))
        await until_async(lambda: waits(server))
        server.kill()
        with pytest.raises(StoreUnavailable):
            await store.count(Query())
        with pytest.raises(StoreUnavailable):
            await waiting
        server.start()
        assert await store.count(Query()) == 1
        await store.close()

    asyncio.run(play())
