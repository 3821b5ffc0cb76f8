"""Workers of both languages share one queue with jobs of every kind: each job runs as often as it should."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import redis

from lara_queue import Queue
from tests.dialects.laravel.application import APP_KEY, Application
from tests.lara_queue.conftest import Make
from tests.servers.process import PATIENCE, until

ROOT = Path(__file__).parents[2]
MIXED = Path(__file__).parent / "php" / "mixed.php"
JOBS = 1000


def from_laravel(peer: Application, make: Make) -> None:
    subprocess.run(["php", MIXED, str(JOBS)], env=peer.environment(), timeout=PATIENCE, check=True)


def from_python(peer: Application, make: Make) -> None:
    queue = make(queue="default")
    for n in range(JOBS):
        match n % 20:
            case 0 | 1 | 2 | 3:
                queue.redisPush("App\\Jobs\\Greet", {"n": n}, delay=1 + n % 2)
            case 4 | 5 | 6:
                queue.push("App\\Jobs\\Text@run", {"n": n})
            case 7 | 8:
                queue.redisPush("App\\Jobs\\Greet", {"n": n}, timeout=30)
            case 14:
                queue.push("App\\Jobs\\Greet", {"n": n, "name": "fail"})
            case _:
                queue.push("App\\Jobs\\Greet", {"n": n, "name": f"ann {n}", "opts": {"k": [1, 2]}})


@contextmanager
def worker(port: int, appname: str, kind: str, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    told = {"PORT": str(port), "APPNAME": appname, "KIND": kind, "RAN": str(file), "SECONDS": "0.005", "COUNT": "-1"}
    told |= {"QUEUE": "default", "RUNS": "1", "APP_KEY": APP_KEY}
    command = [sys.executable, "-m", "tests.lara_queue.program"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **told})
    try:
        yield process
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def work_until(done: Event, peer: Application) -> list[dict[str, Any]]:
    """What Laravel's worker tells; it ends whenever the queue is empty."""
    told = []
    while not done.is_set():
        told += peer.work()
    return told


def is_empty(client: redis.Redis, peer: Application) -> bool:
    keys = peer.keys.queue("default")
    return not (client.llen(keys.ready) or client.zcard(keys.reserved) or client.zcard(keys.delayed))


@pytest.mark.parametrize("send", [from_laravel, from_python])
def test_a_thousand_jobs_of_every_kind_run_once_each_in_workers_of_both_languages(
    make: Make,
    client: redis.Redis,
    port: int,
    appname: str,
    tmp_path: Path,
    peer: Application,
    send: Callable[[Application, Callable[..., Queue]], None],
) -> None:
    files, done = [tmp_path / "sync", tmp_path / "async"], Event()
    with ExitStack() as stack:
        for file in files:
            stack.enter_context(worker(port, appname, file.name, file))
        until(lambda: client.hlen(peer.keys.workers) == len(files))
        pool = stack.enter_context(ThreadPoolExecutor(2))
        stack.callback(done.set)
        theirs: list[Future[list[dict[str, Any]]]] = [pool.submit(work_until, done, peer) for _ in range(2)]
        send(peer, make)
        until(lambda: is_empty(client, peer))
        done.set()
        told = [line for one in theirs for line in one.result()]
    ours = Counter(line for file in files for line in file.read_text().splitlines())
    began = Counter({int(line.split()[1]): times for line, times in ours.items() if line.startswith("began")})
    ran = Counter(line["data"]["n"] if "data" in line else line["n"] for line in told if "failed" not in line)
    failing = set(range(14, JOBS, 20))
    assert {n: (began + ran)[n] for n in range(JOBS) if n not in failing} == dict.fromkeys(
        (n for n in range(JOBS) if n not in failing), 1
    )
    assert sum(ours[f"ended {n}"] for n in range(JOBS)) + ran.total() == JOBS - len(failing)
    failed_there = sum("failed" in line for line in told)
    assert max(began[n] for n in failing) <= 1
    assert sum(began[n] for n in failing) + failed_there == len(failing)
    # All of them had their part.
    assert ran
    assert all(file.read_text() for file in files)
