"""Jobs per second through the embedded store beside a bare sqlite3 loop with the same durability.

`python bench/embedded.py [--rounds 5] [--only enqueue|drain]`. How soon a job starts is measured by latency.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Callable
from functools import partial

import bare
import jobs
from bare import BareQueue
from crew import HERE, running, scratch, url_of
from rounds import Row, Samples, in_turn, say, show

from queuemgr import App, State

SLICE = 0.25
"""Seconds for which every side enqueues in every round."""

JOBS = 10_000
"""How many a worker process drains in every round."""

CALLERS, THREADS = (1, 64, 512), (1, 8, 64)
BULK = 1000
CLAIM_TOGETHER, CLAIM_ONE = 100, 1
CONCURRENCY = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["enqueue", "drain"])
    chosen = parser.parse_args()
    if chosen.only != "drain":
        for durability in ("normal", "full"):
            enqueue(durability, chosen.rounds)
    if chosen.only != "enqueue":
        drain(chosen.rounds)


# enqueue


def enqueue(durability: str, rounds: int) -> None:
    sides = {"one": one_by_one, "bulk": bulk, "bare one": bare_one_by_one, "bare bulk": bare_bulk}
    sides |= {f"callers {number}": partial(callers, number) for number in CALLERS}
    sides |= {f"threads {number}": partial(threads, number) for number in THREADS}
    samples = in_turn({name: partial(side, durability) for name, side in sides.items()}, rounds)
    rows = [Row("one by one", "one", "bare one"), Row(f"{BULK} at once", "bulk", "bare bulk")]
    rows += [Row(f"{number} asynchronous callers", f"callers {number}", "bare one") for number in CALLERS]
    rows += [Row(f"{number} threads", f"threads {number}", "bare one") for number in THREADS]
    show(f"enqueue, durability={durability}", rows, samples, "jobs/s")
    say(f"ours: {jobs.PROMISE if durability == 'normal' else jobs.PROMISE_FULL}")
    say(f"bare: INSERT and commit for each job, or for {BULK}; WAL, synchronous={durability}; {bare.PROMISE}")


def one_by_one(durability: str) -> float:
    return with_app(durability, lambda app: sliced(partial(app.tasks["jobs.nothing"].enqueue, 1)))


def bulk(durability: str) -> float:
    def many(app: App) -> float:
        task = app.tasks["jobs.nothing"]
        return BULK * sliced(lambda: app.client.enqueue_many(task.calls((number,) for number in range(BULK))))

    return with_app(durability, many)


def callers(number: int, durability: str) -> float:
    """So many coroutines of one event loop, each of which awaits its own enqueue before the next."""

    async def call(app: App, until: float) -> int:
        done, task = 0, app.tasks["jobs.nothing"]
        while time.perf_counter() < until:
            await task.aenqueue(1)
            done += 1
        return done

    async def all_of(app: App) -> float:
        began = time.perf_counter()
        done = await asyncio.gather(*(call(app, began + SLICE) for _ in range(number)))
        return sum(done) / (time.perf_counter() - began)

    return with_app(durability, lambda app: asyncio.run(all_of(app)))


def threads(number: int, durability: str) -> float:
    """So many threads, each of which enqueues one by one."""

    def work(app: App) -> float:
        rates: list[float] = []
        start = threading.Barrier(number)

        def run() -> None:
            start.wait()
            rates.append(sliced(partial(app.tasks["jobs.nothing"].enqueue, 1)))

        crowd = [threading.Thread(target=run) for _ in range(number)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        return sum(rates)

    return with_app(durability, work)


def bare_one_by_one(durability: str) -> float:
    return with_bare(durability, lambda queue: sliced(partial(queue.enqueue, "nothing", 1)))


def bare_bulk(durability: str) -> float:
    def many(queue: BareQueue) -> float:
        return BULK * sliced(lambda: queue.enqueue_many("nothing", [(number,) for number in range(BULK)]))

    return with_bare(durability, many)


def with_app(durability: str, measure: Callable[[App], float]) -> float:
    with scratch() as folder:
        app = jobs.app_on(url_of(folder / "jobs.db", durability))
        app.tasks["jobs.nothing"].enqueue(0)
        try:
            return measure(app)
        finally:
            app.close()


def with_bare(durability: str, measure: Callable[[BareQueue], float]) -> float:
    with scratch() as folder:
        queue = BareQueue(folder / "jobs.db", durability)
        queue.enqueue("nothing", 0)
        try:
            return measure(queue)
        finally:
            queue.close()


def sliced(work: Callable[[], object]) -> float:
    """How often per second `work` is done."""
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < SLICE:
        work()
        done += 1
    return done / passed


# drain


def drain(rounds: int) -> None:
    cpu: Samples = {}
    sides = {
        "async": partial(drain_ours, "nothing", cpu),
        "thread": partial(drain_ours, "nothing_in_thread", cpu),
        "bare 100": partial(drain_bare, CLAIM_TOGETHER, cpu),
        "bare 1": partial(drain_bare, CLAIM_ONE, cpu),
    }
    rates = in_turn(sides, rounds)
    rows = [
        Row(f"{kind}, beside claim-{most}/delete-{most}", kind, f"bare {most}")
        for kind in ("async", "thread")
        for most in (CLAIM_TOGETHER, CLAIM_ONE)
    ]
    title = f"drain of {JOBS:,} jobs that do nothing, one worker process, {CONCURRENCY} at once"
    show(title, rows, rates, "jobs/s")
    show(f"{title}: CPU of its process", rows, cpu, "µs per job")
    say(f"ours: {jobs.PROMISE}", f"bare: {bare.PROMISE}; what has ended is forgotten")


def drain_ours(task: str, cpu: Samples) -> float:
    with scratch() as folder:
        url = url_of(folder / "jobs.db")
        app = jobs.app_on(url)
        chosen = app.tasks[f"jobs.{task}"]
        for start in range(0, JOBS, BULK):
            app.client.enqueue_many([chosen.call(number) for number in range(start, start + BULK)])
        kind = "async" if chosen.is_async else "thread"
        rate = drained(kind, cpu, "ours", url, str(CONCURRENCY))
        ended = app.client.queues()[0].counts.get(State.SUCCEEDED)
        app.close()
        assert ended == JOBS, f"{ended} of {JOBS} jobs have succeeded"
        return rate


def drain_bare(most: int, cpu: Samples) -> float:
    with scratch() as folder:
        path = folder / "jobs.db"
        queue = BareQueue(path)
        queue.enqueue_many("nothing", [(number,) for number in range(JOBS)])
        rate = drained(f"bare {most}", cpu, "bare", str(path), str(most))
        assert not queue.claim(1)
        queue.close()
        return rate


def drained(name: str, cpu: Samples, *arguments: str) -> float:
    with running(str(HERE / "drain.py"), *arguments) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        took = json.loads(process.stdout.readline())
    cpu.setdefault(name, []).append(took["cpu"] / JOBS * 1e6)
    return float(JOBS / took["seconds"])


if __name__ == "__main__":
    main()
