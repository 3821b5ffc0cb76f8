"""Jobs per second through the Redis store beside bare redis-py loops, the start of a job, and the memory of one.

`python bench/redis_store.py [--rounds 5] [--only enqueue|drain|start|memory] [--fsync everysec|always]`. It starts a
server of its own (`redis-server`), which writes an append-only file.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import jobs
import redis
from crew import HERE, alone, running, scratch
from redis_bare import PROMISE, BareQueue, payload_of
from rounds import Row, Samples, in_turn, say, show

from queuemgr import App, State

SLICE = 0.5
"""Seconds for which every side enqueues in every round."""

JOBS = 50_000
"""How many a worker process drains in every round."""

BULK, MANY = 1000, 100_000
CLAIM_TOGETHER, CONCURRENCY = 100, 50
STARTS, GAP = 300, 0.005
PERCENTILES = (50, 95, 99)

POPS = """
import sys, time, redis
client = redis.Redis.from_url(sys.argv[1], socket_timeout=None)
while client.blpop("bare:waiting"):
    client.rpush("bare:popped", time.monotonic_ns())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["enqueue", "drain", "start", "memory"])
    parser.add_argument("--fsync", choices=["everysec", "always"], default="everysec")
    chosen = parser.parse_args()
    with server(chosen.fsync) as url:
        for name, measure in (("enqueue", enqueue), ("drain", drain), ("start", start), ("memory", memory)):
            if chosen.only in (None, name):
                measure(url, chosen.rounds)


@contextmanager
def server(fsync: str) -> Iterator[str]:
    with scratch() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", fsync]
        with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL) as process:
            try:
                url = f"redis://127.0.0.1:{port}/0"
                wait_for(url)
                yield url
            finally:
                process.terminate()


def wait_for(url: str) -> None:
    while True:
        try:
            redis.Redis.from_url(url).ping()
            return
        except redis.ConnectionError:
            time.sleep(0.02)


@contextmanager
def app_on(url: str) -> Iterator[App]:
    """An app with keys of its own."""
    app = jobs.app_on(f"{url}?prefix={uuid4().hex}")
    try:
        yield app
    finally:
        app.close()


# enqueue


def enqueue(url: str, rounds: int) -> None:
    sides = {"one": one_by_one, "bulk": bulk, "bare one": bare_one_by_one, "bare bulk": bare_bulk}
    samples = in_turn({name: partial(side, url) for name, side in sides.items()}, rounds)
    rows = [Row("one by one", "one", "bare one"), Row(f"{BULK} at once", "bulk", "bare bulk")]
    show("enqueue", rows, samples, "jobs/s")
    say(f"ours: {jobs.PROMISE}", f"bare: LPUSH, or {BULK} in a pipeline; {PROMISE}")


def one_by_one(url: str) -> float:
    with app_on(url) as app:
        return sliced(partial(app.tasks["jobs.nothing"].enqueue, 1))


def bulk(url: str) -> float:
    with app_on(url) as app:
        task = app.tasks["jobs.nothing"]
        return BULK * sliced(lambda: app.client.enqueue_many([task.call(number) for number in range(BULK)]))


def bare_one_by_one(url: str) -> float:
    return with_bare(url, lambda queue: sliced(lambda: queue.enqueue(payload_of(1))))


def bare_bulk(url: str) -> float:
    def many(queue: BareQueue) -> float:
        return BULK * sliced(lambda: queue.enqueue_many([payload_of(number) for number in range(BULK)]))

    return with_bare(url, many)


def with_bare(url: str, measure: Callable[[BareQueue], float]) -> float:
    queue = BareQueue(url)
    try:
        return measure(queue)
    finally:
        queue.close()


def sliced(work: Callable[[], object]) -> float:
    """How often per second `work` is done."""
    work()
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < SLICE:
        work()
        done += 1
    return done / passed


# drain


def drain(url: str, rounds: int) -> None:
    cpu: Samples = {}
    sides = {
        "async": partial(drain_ours, url, "nothing", cpu),
        "thread": partial(drain_ours, url, "nothing_in_thread", cpu),
        "bare": partial(drain_bare, url, cpu),
    }
    rates = in_turn(sides, rounds)
    rows = [
        Row(f"{kind}, beside LMOVE and LREM, {CLAIM_TOGETHER} at once", kind, "bare") for kind in ("async", "thread")
    ]
    title = f"drain of {JOBS:,} jobs that do nothing, one worker process, {CONCURRENCY} at once"
    show(title, rows, rates, "jobs/s")
    show(f"{title}: CPU of its process", rows, cpu, "µs per job")
    say(f"ours: {jobs.PROMISE}", f"bare: {PROMISE}")


def drain_ours(url: str, task: str, cpu: Samples) -> float:
    with app_on(url) as app:
        chosen = app.tasks[f"jobs.{task}"]
        for begin in range(0, JOBS, BULK):
            app.client.enqueue_many([chosen.call(number) for number in range(begin, begin + BULK)])
        kind = "async" if chosen.is_async else "thread"
        rate = drained(kind, cpu, str(HERE / "drain.py"), "ours", app.url, str(CONCURRENCY))
        ended = app.client.queues()[0].counts.get(State.SUCCEEDED)
        assert ended == JOBS, f"{ended} of {JOBS} jobs have succeeded"
        return rate


def drain_bare(url: str, cpu: Samples) -> float:
    def measure(queue: BareQueue) -> float:
        queue.enqueue_many([payload_of(number) for number in range(JOBS)])
        return drained("bare", cpu, str(HERE / "redis_bare.py"), url, str(CLAIM_TOGETHER))

    return with_bare(url, measure)


def drained(name: str, cpu: Samples, *command: str) -> float:
    with running(*command) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        took = json.loads(process.stdout.readline())
    cpu.setdefault(name, []).append(took["cpu"] / JOBS * 1e6)
    return float(JOBS / took["seconds"])


# start


def start(url: str, rounds: int) -> None:
    samples: Samples = {}
    bare = redis.Redis.from_url(url, socket_timeout=None)
    with app_on(url) as app, alone(app.url), running("-c", POPS, url):
        app.tasks["jobs.nothing"].enqueue(0).result(30)
        sides = {"ours": partial(began_at, app), "bare": partial(popped_at, bare)}
        for _ in range(rounds):
            for name, ask in sides.items():
                delays = sorted(delay_of(ask) for _ in range(STARTS))
                for percent in PERCENTILES:
                    samples.setdefault(f"{name} {percent}", []).append(delays[STARTS * percent // 100])
    bare.close()
    rows = [Row(f"{percent} of 100 within", f"ours {percent}", f"bare {percent}") for percent in PERCENTILES]
    show(f"from enqueue to the start of the job, {STARTS} jobs in each round", rows, samples, "ms")
    say(f"ours: {jobs.PROMISE}", "bare: RPUSH, and a program that waits in BLPOP; what it has popped dies with it")


def delay_of(ask: Callable[[], int]) -> float:
    time.sleep(GAP)
    asked = time.monotonic_ns()
    return (ask() - asked) / 1e6


def began_at(app: App) -> int:
    began: int = app.tasks["jobs.moment"].enqueue().result(30)
    return began


def popped_at(client: redis.Redis) -> int:
    client.rpush("bare:waiting", payload_of(1))
    return int(client.blpop("bare:popped")[1])


# memory


def memory(url: str, rounds: int) -> None:
    """Bytes of the server for each of many waiting jobs, and for each one that has succeeded."""
    del rounds
    client = redis.Redis.from_url(url)
    client.flushall()
    with app_on(url) as app:
        empty = used(client)
        task = app.tasks["jobs.nothing"]
        for begin in range(0, MANY, BULK):
            app.client.enqueue_many([task.call(number) for number in range(begin, begin + BULK)])
        print(f"\nmemory of the server for each of {MANY:,} jobs with one small argument")
        print(f"  waiting    {(used(client) - empty) / MANY:6.0f} bytes")
        drained("memory", {}, str(HERE / "drain.py"), "ours", app.url, str(CONCURRENCY))
        print(f"  succeeded  {(used(client) - empty) / MANY:6.0f} bytes")


def used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


if __name__ == "__main__":
    main()
