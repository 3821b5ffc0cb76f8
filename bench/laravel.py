"""Jobs per second and processor time of each on Laravel's queues, of jobs that Laravel has dispatched.

`lara_queue` and Laravel's own worker in turn, with `--older PYTHON` also the older package that is installed for that
interpreter, which removes a job before it runs. And what memory the workers take.
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
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil
import redis
from redis_store import server

HERE = Path(__file__).parent
PHP = HERE.parent / "tests" / "dialects" / "laravel" / "php" / "app.php"
PREFIX = "laravel_database_"
READY = f"{PREFIX}queues:default"
JOBS, WARM, MANY = 10_000, 200, 100_000
# The older package calls itself once for each job, which ends a little below a thousand.
OLDER_JOBS = 900
NAP, LANES = 0.01, 50

Sides = dict[str, list[tuple[float, float]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["noop", "io", "memory"])
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--older", help="an interpreter that has the older package")
    chosen = parser.parse_args()
    with server("everysec") as url:
        port = urlsplit(url).port or 0
        for name, measure in (("noop", noop), ("io", io), ("memory", memory)):
            if chosen.only in (None, name):
                measure(port, chosen)


def noop(port: int, chosen: argparse.Namespace) -> None:
    sides: Sides = {"sync": [], "async": [], "laravel": [], **({"older": []} if chosen.older else {})}
    for _ in range(chosen.rounds):
        for side, samples in sides.items():
            jobs = OLDER_JOBS if side == "older" else chosen.jobs
            fill(port, jobs)
            samples.append(php(port, jobs) if side == "laravel" else python(port, side, jobs, 0.0, chosen.older))
    rates = {side: median(rate for rate, _ in samples) for side, samples in sides.items()}
    costs = {side: median(cost for _, cost in samples) for side, samples in sides.items()}
    for side, samples in sides.items():
        print(f"no-op, {side:8} {told([rate for rate, _ in samples])} jobs/s, {costs[side]:.0f} µs of processor each")
    for side in [side for side in sides if side in ("laravel", "older")]:
        by_clock, by_cost = rates["sync"] / rates[side], costs[side] / costs["sync"]
        print(f"sync is {by_clock:.1f} times {side} by the clock, {by_cost:.1f} times by processor time")


def io(port: int, chosen: argparse.Namespace) -> None:
    ideal = LANES / NAP
    rates, most, bare = [], 0, []
    for _ in range(chosen.rounds):
        fill(port, chosen.jobs)
        done = worker(port, ["async", str(chosen.jobs), str(NAP)])
        rates.append(done["rate"])
        most = max(most, done["most"])
        bare.append(worker(port, ["bare"])["rate"])
    print(f"{NAP * 1000:.0f} ms handlers, {LANES} at once: {told(rates)} jobs/s, {share(rates, ideal)} of {ideal:.0f}")
    print(f"  most handlers at once: {most}")
    print(f"  the same tasks in a bare asyncio program without a queue: {told(bare)} jobs/s, {share(bare, ideal)}")


def memory(port: int, chosen: argparse.Namespace) -> None:  # noqa: ARG001 - the same for all of them
    for side in ("sync", "async"):
        fill(port, MANY)
        done = worker(port, [side, str(MANY), "0.0"])
        marks = " ".join(f"{mark:.1f}" for mark in done["memory"])
        print(f"{side}: {MANY} jobs at {done['rate']:.0f}/s; resident MB after each tenth of them: {marks}")


def told(rates: list[float]) -> str:
    return f"{median(rates):7.0f} ({min(rates):.0f}..{max(rates):.0f})"


def share(rates: list[float], whole: float) -> str:
    return f"{100 * median(rates) / whole:.0f} %"


def fill(port: int, jobs: int) -> None:
    made = dispatched(port)
    with redis.Redis(port=port) as client:
        client.flushall()
        for start in range(0, jobs, len(made)):
            # Another turn of the same jobs has ids of its own.
            turn = [raw.replace(b'"uuid":"', b'"uuid":"%d-' % start, 1) for raw in made[: jobs - start]]
            client.rpush(READY, *turn)
            client.rpush(f"{READY}:notify", *[1] * len(turn))


@cache
def dispatched(port: int) -> list[bytes]:
    """Payloads as Laravel writes them."""
    jobs = [{"n": n, "name": f"ann {n}", "opts": {"k": [n, 1]}} for n in range(1000)]
    subprocess.run(["php", PHP, "bulk", json.dumps(jobs)], env=environment(port), check=True)
    with redis.Redis(port=port) as client:
        return list(client.lrange(READY, 0, -1))


def python(port: int, side: str, jobs: int, nap: float, older: str | None) -> tuple[float, float]:
    if side == "older" and older is not None:
        done = worker(port, [str(jobs)], [older, str(HERE / "laravel_older.py")], "")
    else:
        done = worker(port, [side, str(jobs), str(nap)])
    return done["rate"], done["cost"]


def worker(
    port: int, words: list[str], program: list[str] | None = None, path: str = os.pathsep.join(filter(None, sys.path))
) -> dict[str, Any]:
    command = [*(program or [sys.executable, str(HERE / "laravel_worker.py")]), str(port), *words]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def environment(port: int) -> dict[str, str]:
    return {**os.environ, "REDIS_PORT": str(port), "REDIS_PREFIX": PREFIX}


def php(port: int, jobs: int) -> tuple[float, float]:
    """From the first job's line to the last one's, so that neither side's start is counted."""
    with subprocess.Popen(["php", PHP, "work"], env=environment(port), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        itself = psutil.Process(process.pid)
        for _ in range(WARM):
            process.stdout.readline()
        begin, before = time.perf_counter(), itself.cpu_times()
        # It ends with the last one, and then its time is not told any more.
        for _ in range(jobs - WARM - 1):
            process.stdout.readline()
        after, seconds = itself.cpu_times(), time.perf_counter() - begin
        done = jobs - WARM - 1
        return done / seconds, (after.user + after.system - before.user - before.system) / done * 1e6


if __name__ == "__main__":
    main()
