"""How near short sleeps come to the ideal, and what a second worker process brings.

`python bench/sleeps.py [URL] [--rounds 5] [--jobs 10000] [--only sleeps|processes]`. The store at URL should be empty;
without one it is a new file. Beside the sleeps stands a bare asyncio program that knows no queue.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import jobs
from crew import HERE, running, scratch, url_of
from rounds import Row, Samples, in_turn, say, show

from queuemgr import State

if TYPE_CHECKING:
    from subprocess import Popen

BULK = 1000
CONCURRENCY = 50
IDEAL = CONCURRENCY / jobs.NAP
BURNS = 1000
"""How many jobs that burn processor time pass in every round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=10_000, help="how many sleeps pass in every round")
    parser.add_argument("--only", choices=["sleeps", "processes"])
    chosen = parser.parse_args()
    with scratch() as folder:
        url = chosen.url or url_of(folder / "jobs.db")
        if chosen.only != "processes":
            sleeps(url, chosen.jobs, chosen.rounds)
        if chosen.only != "sleeps":
            processes(url, chosen.jobs, chosen.rounds)


def sleeps(url: str, number: int, rounds: int) -> None:
    sides = {"ours": partial(ours, url, "nap", number, CONCURRENCY, 1), "bare": partial(bare, number)}
    samples = in_turn(sides, rounds)
    show(f"{CONCURRENCY} sleeps of {jobs.NAP * 1000:g} ms at once", [Row("sleeps", "ours", "bare")], samples, "jobs/s")
    shares = {name: f"{statistics.median(rates) / IDEAL:.1%}" for name, rates in samples.items()}
    say(f"of the ideal {IDEAL:,.0f}: ours {shares['ours']}, bare {shares['bare']}")
    say(f"ours: {jobs.PROMISE}", "bare: a program that knows no queue; the loop's own timers are late, too")


def processes(url: str, number: int, rounds: int) -> None:
    kinds = {"burn": (BURNS, 1), "nap": (number, CONCURRENCY)}
    sides = {
        f"{kind} {crew}": partial(ours, url, kind, many, slots, crew)
        for kind, (many, slots) in kinds.items()
        for crew in (1, 2)
    }
    samples = in_turn(sides, rounds)
    burns = f"{jobs.BURN * 1000:g} ms of processor time, 1 at once"
    naps = f"sleeps of {jobs.NAP * 1000:g} ms, {CONCURRENCY} at once"
    rows = [Row(burns, "burn 2", "burn 1"), Row(naps, "nap 2", "nap 1")]
    show("two worker processes (ours) beside one (bare)", rows, samples, "jobs/s")
    pair_by_pair(samples)


def pair_by_pair(samples: Samples) -> None:
    """The ratio within each round, whose sides had the same neighbours on the machine."""
    for kind in ("burn", "nap"):
        ratios = [two / one for one, two in zip(samples[f"{kind} 1"], samples[f"{kind} 2"], strict=True)]
        say(f"{kind}: {statistics.median(ratios):.2f} times (median of the rounds' own ratios)")


def ours(url: str, task: str, number: int, concurrency: int, crew: int) -> float:
    app = jobs.app_on(url)
    try:
        before = succeeded(app)
        chosen = app.tasks[f"jobs.{task}"]
        for start in range(0, number, BULK):
            app.client.enqueue_many([chosen.call() for _ in range(start, min(number, start + BULK))])
        rate = number / drained(crew, "ours", url, str(concurrency))
        assert succeeded(app) - before == number, "not all jobs have succeeded"
        return rate
    finally:
        app.close()


def bare(number: int) -> float:
    return number / drained(1, "naps", str(number), str(CONCURRENCY))


def succeeded(app: jobs.App) -> int:
    return sum(queue.counts.get(State.SUCCEEDED, 0) for queue in app.client.queues())


def drained(crew: int, *arguments: str) -> float:
    """Seconds from the start of so many ready processes to the end of the last."""
    with ExitStack() as stack:
        processes = [stack.enter_context(running(str(HERE / "drain.py"), *arguments)) for _ in range(crew)]
        for process in processes:
            assert line_of(process) == "ready\n"
        began = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            json.loads(line_of(process))
        return time.perf_counter() - began


def line_of(process: Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


if __name__ == "__main__":
    main()
