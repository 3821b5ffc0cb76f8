"""Enqueue, drain and start latency on PostgreSQL, with PgQueuer beside it on the same server at the same durability.

`python bench/postgres.py postgresql://localhost/bench --peer ../pgqueuer/bin/python [--rounds 5]`. The database should
be empty; PEER is an interpreter that has pgqueuer and asyncpg. It starts no server.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import jobs
import latency
from crew import supervised
from rounds import Row, in_turn, say, show

from queuemgr import Query, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr import App

HERE = Path(__file__).parent
ONE_BY_ONE, IN_BULK, BATCH = 1000, 20_000, 1000
CONCURRENCIES = (50, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--peer", help="an interpreter that has pgqueuer and asyncpg")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    app = jobs.app_on(chosen.url)
    app.client.queues()
    sides = ours(app)
    dsn = chosen.url.partition("?")[0]
    if chosen.peer:
        ask(chosen.peer, dsn, "prepare")
        sides |= peers(chosen.peer, dsn)
    names = [name.removeprefix("ours ") for name in sides if name.startswith("ours ")]
    # A side's drain empties what its bulk has brought, so the order of the sides is that of a job's life.
    samples = in_turn(sides, chosen.rounds)
    rows = [Row(name, f"ours {name}", f"peer {name}" if chosen.peer else None) for name in names]
    show("jobs that do nothing", rows, samples, "jobs per second; `bare` is PgQueuer")
    starts(app, chosen.peer, dsn, chosen.rounds)
    say("both: synchronous_commit as the server has it (on); ours keeps every end and result, PgQueuer a line of log")
    app.close()


def ours(app: App) -> dict[str, Callable[[], float]]:
    sides: dict[str, Callable[[], float]] = {"ours one by one": partial(one_by_one, app)}
    for concurrency in CONCURRENCIES:
        sides[f"ours bulk before {concurrency}"] = partial(in_bulk, app)
        sides[f"ours drain, {concurrency} at once"] = partial(drain, app, concurrency)
    return sides


def peers(python: str, dsn: str) -> dict[str, Callable[[], float]]:
    def measure(what: str, number: int) -> float:
        return float(json.loads(ask(python, dsn, what, number)))

    sides: dict[str, Callable[[], float]] = {"peer one by one": partial(measure, "single", ONE_BY_ONE)}
    for concurrency in CONCURRENCIES:
        sides[f"peer bulk before {concurrency}"] = partial(measure, "bulk", IN_BULK)
        sides[f"peer drain, {concurrency} at once"] = partial(measure, "drain", concurrency)
    return sides


def ask(python: str, *arguments: object) -> str:
    """The last line that the peer printed; it is told to begin at once."""
    command = [python, str(HERE / "postgres_peer.py"), *map(str, arguments)]
    done = subprocess.run(command, input="go\n", stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1] if done.stdout else ""


def one_by_one(app: App) -> float:
    task = app.tasks["jobs.nothing"]
    began = perf_counter()
    for number in range(ONE_BY_ONE):
        task.enqueue(number)
    return ONE_BY_ONE / (perf_counter() - began)


def in_bulk(app: App) -> float:
    task = app.tasks["jobs.nothing"]
    began = perf_counter()
    for first in range(0, IN_BULK, BATCH):
        app.client.enqueue_many([task.call(number) for number in range(first, first + BATCH)])
    return IN_BULK / (perf_counter() - began)


def drain(app: App, concurrency: int) -> float:
    waiting = app.client.count(Query(states=(State.READY,)))
    command = [sys.executable, str(HERE / "drain.py"), "ours", app.url, str(concurrency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdin is not None
        worker.stdout.readline()
        worker.stdin.write("go\n")
        worker.stdin.flush()
        told = json.loads(worker.stdout.readline())
    return float(waiting / told["seconds"])


def starts(app: App, peer: str | None, dsn: str, rounds: int) -> None:
    """Print the milliseconds from before enqueue to the first line of the job."""
    samples: dict[str, list[float]] = {}
    with supervised(app.url):
        app.tasks["jobs.nothing"].enqueue(0).result(30)
        for _ in range(rounds):
            sides = {"ours": latency.of_ours(app, "moment")}
            if peer:
                sides["peer"] = json.loads(ask(peer, dsn, "latency"))
            for name, delays in sides.items():
                for percent in (50, 99):
                    samples.setdefault(f"{name} {percent}", []).append(sorted(delays)[len(delays) * percent // 100])
    rows = [
        Row(f"{percent} of 100 within", f"ours {percent}", f"peer {percent}" if peer else None) for percent in (50, 99)
    ]
    show("from enqueue to the start of the job in an idle worker", rows, samples, "ms")


if __name__ == "__main__":
    main()
