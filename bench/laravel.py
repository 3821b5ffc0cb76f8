"""Jobs per second on Laravel's queues: `lara_queue` and Laravel's own worker in turn, and what memory they take.

`python bench/laravel.py [--rounds 3] [--only noop|io|memory]`. It needs PHP with Laravel's queue for its peer
(Debian: `apt-get install php-cli php-redis php-mbstring php-illuminate-queue php-laravel-framework`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import redis
from redis_store import server

HERE = Path(__file__).parent
PHP = HERE.parent / "tests" / "dialects" / "laravel" / "php" / "app.php"
PREFIX = "laravel_database_"
JOBS, WARM, MANY = 10_000, 200, 100_000
NAP, LANES = 0.01, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["noop", "io", "memory"])
    parser.add_argument("--jobs", type=int, default=JOBS)
    chosen = parser.parse_args()
    with server("everysec") as url:
        port = urlsplit(url).port or 0
        for name, measure in (("noop", noop), ("io", io), ("memory", memory)):
            if chosen.only in (None, name):
                measure(port, chosen.rounds, chosen.jobs)


def noop(port: int, rounds: int, jobs: int) -> None:
    found: dict[str, list[float]] = {"sync": [], "async": [], "laravel": []}
    for _ in range(rounds):
        for side, rates in found.items():
            fill(port, jobs)
            rates.append(php(port, jobs) if side == "laravel" else python(port, side, jobs, 0.0)["rate"])
    for side, rates in found.items():
        print(f"no-op, {side:8} {told(rates)} jobs/s")
    print(f"sync is {median(found['sync']) / median(found['laravel']):.1f} times Laravel's worker")


def io(port: int, rounds: int, jobs: int) -> None:
    ideal = LANES / NAP
    rates, most = [], 0
    for _ in range(rounds):
        fill(port, jobs)
        done = python(port, "async", jobs, NAP)
        rates.append(done["rate"])
        most = max(most, done["most"])
    share = 100 * median(rates) / ideal
    print(f"{NAP * 1000:.0f} ms handlers, {LANES} at once: {told(rates)} jobs/s, {share:.0f} % of {ideal:.0f}")
    print(f"  most handlers at once: {most}")
    bare = [json.loads(run(["bare"], port))["rate"] for _ in range(rounds)]
    print(f"  the same tasks in a bare asyncio program without a queue: {told(bare)} jobs/s")


def memory(port: int, rounds: int, jobs: int) -> None:  # noqa: ARG001 - the same for all of them
    for side in ("sync", "async"):
        fill(port, MANY)
        done = python(port, side, MANY, 0.0)
        marks = " ".join(f"{mark:.1f}" for mark in done["memory"])
        print(f"{side}: {MANY} jobs at {done['rate']:.0f}/s; resident MB after each tenth of them: {marks}")


def told(rates: list[float]) -> str:
    return f"{median(rates):7.0f} ({min(rates):.0f}..{max(rates):.0f})"


def fill(port: int, jobs: int) -> None:
    from lara_queue import Queue

    with redis.Redis(port=port) as client:
        client.flushall()
        queue = Queue(client, "default")
        for _ in range(0, jobs, 1000):
            queue._store.enqueue_now([queue._job("App\\Jobs\\Greet", {"n": 1}) for _ in range(min(jobs, 1000))])


def python(port: int, side: str, jobs: int, nap: float) -> dict[str, float]:
    answer: dict[str, float] = json.loads(run([side, str(jobs), str(nap)], port))
    return answer


def run(words: list[str], port: int) -> str:
    command = [sys.executable, str(HERE / "laravel_worker.py"), str(port), *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def php(port: int, jobs: int) -> float:
    """From the first job's line to the last one's, so that neither side's start is counted."""
    environment = {**os.environ, "REDIS_PORT": str(port), "REDIS_PREFIX": PREFIX}
    with subprocess.Popen(["php", PHP, "work"], env=environment, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        for _ in range(WARM):
            worker.stdout.readline()
        begin = time.perf_counter()
        for _ in range(jobs - WARM):
            worker.stdout.readline()
        return (jobs - WARM) / (time.perf_counter() - begin)


if __name__ == "__main__":
    main()
