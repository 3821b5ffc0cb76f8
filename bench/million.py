"""What a verb costs with a million jobs waiting and a million finished, beside the same with a thousand of each.

`python bench/million.py [--rounds 5] [--rebuild] [--only WORDS]`. The big file is made once, in a minute or two, and
kept in the temporary folder. The store's own verbs are called: no worker takes part.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import inspect
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crew import scratch, url_of
from rounds import say

from queuemgr import Query, State
from queuemgr.job import Job, new_id, order_of
from queuemgr.store import Claim
from queuemgr.stores.sqlite import counting, schema
from queuemgr.stores.sqlite.store import SqliteStore

FEW, MANY = 1_000, 1_000_000
BOUND = 1.5
CALLS = 40
"""How often each verb is called in a round; the round is the median of them."""

BATCH = 10_000
RARE = 20
"""How many jobs bear each rare name, or have ended badly, in either file."""

Verb = Callable[[SqliteStore], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Measured:
    name: str
    few: list[float]
    many: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.many) / statistics.median(self.few)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rebuild", action="store_true", help="make the big file anew")
    parser.add_argument("--only", default="", help="only the verbs whose name contains this")
    chosen = parser.parse_args()
    big = kept(rebuild=chosen.rebuild)
    with scratch() as folder:
        small = folder / "small.db"
        build(small, FEW)
        few, many = SqliteStore(url_of(small)), SqliteStore(url_of(big))
        measured = asyncio.run(measure(few, many, chosen.rounds, chosen.only))
        few.close_now()
        many.close_now()
    show(measured, chosen.rounds)


# the files


def kept(*, rebuild: bool) -> Path:
    """The big file, made for the tables as they are now."""
    makers = "".join(map(inspect.getsource, (build, fill, one, finish)))
    recipe = hashlib.sha256("".join((makers, *schema.MIGRATIONS)).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"queuemgr-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"million-{recipe}.db"
    if rebuild or not path.exists():
        for old in folder.glob("million-*"):
            old.unlink()
        began = time.perf_counter()
        making = path.with_suffix(".making")
        build(making, MANY)
        making.rename(path)
        print(f"{path}: {path.stat().st_size / 1e6:,.0f} MB, made in {time.perf_counter() - began:.0f} s")
    return path


def build(path: Path, each: int) -> None:
    """`each` finished jobs, then `each` ready ones and a few of every other state."""
    store = SqliteStore(url_of(path))
    fill(store, each)
    with sqlite3.connect(path) as connection:
        finish(connection)
    fill(store, each)
    fill(store, RARE, run_at=time.time() + 1e6)
    fill(store, RARE, held=True)
    store.close_now()
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def fill(store: SqliteStore, number: int, *, run_at: float | None = None, held: bool = False) -> None:
    """Most in one queue and of one task; `RARE` of a queue, a task and a tag of their own, spread evenly."""
    every = number // RARE
    for start in range(0, number, BATCH):
        jobs = [one(place, every, run_at, held=held) for place in range(start, min(start + BATCH, number))]
        store.enqueue_now(jobs)


def one(place: int, every: int, run_at: float | None, *, held: bool) -> Job:
    odd = place % every if every > 1 else place % 4
    return Job(
        id=new_id(),
        task="shop.rare" if odd == 1 else f"shop.task{place % 5}",
        args=b"[[12345]]",
        queue="rare" if odd == 2 else "mail" if place % 10 == 0 else "default",
        tags=("rare",) if odd == 3 else ("common",) if place % 5 == 0 else (),
        created_at=time.time(),
        run_at=run_at,
        held=held,
    )


def finish(connection: sqlite3.Connection) -> None:
    """What settle leaves behind: most succeeded, `RARE` dead and as many cancelled, spread evenly."""
    while counting.follow(connection):
        pass
    number = connection.execute("SELECT count(*) FROM queuemgr_jobs").fetchone()[0]
    every = number // RARE
    connection.execute(
        "UPDATE queuemgr_jobs SET state = 5, done = 5, attempt = 1, worker = 'bench:1:abcdef', started_at = :now,"
        " finished_at = :now, expires_at = :now + 604800, progress = 100",
        {"now": time.time()},
    )
    for state, offset in ((State.DEAD, 5), (State.CANCELLED, 6)):
        connection.execute(
            'UPDATE queuemgr_jobs SET state = ?1, done = ?1, error = \'{"message":"no"}\' WHERE seq IN'
            " (SELECT seq FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM queuemgr_jobs)"
            "  WHERE place % ?2 = ?3)",
            (int(state), every, offset % every),
        )
    connection.execute("DELETE FROM queuemgr_counts")
    connection.execute(
        "INSERT INTO queuemgr_counts SELECT queue, task, state, count(*) FROM queuemgr_jobs GROUP BY queue, task, state"
    )


# the verbs


def verbs() -> Iterator[tuple[str, Verb]]:
    yield "enqueue", enqueue
    for most in (1, 50):
        yield f"claim of {most}", claim_of(most)
    for name, query in queries():
        yield f"first page, {name}", page_of(query)
    yield "number of all jobs", number_of(Query())
    yield "number of ready jobs of a big task", number_of(Query(states=(State.READY,), task="shop.task1"))
    yield "all queues and their numbers", queues
    yield "hold and release a rare task", hold_and_release


def queries() -> Iterator[tuple[str, Query]]:
    yield "everything", Query()
    for state in (State.READY, State.SUCCEEDED, State.DEAD, State.CANCELLED, State.SCHEDULED, State.HELD):
        yield state.word, Query(states=(state,))
    for size, queue, task in (("big", "default", "shop.task1"), ("rare", "rare", "shop.rare")):
        yield f"a {size} queue", Query(queue=queue)
        yield f"a {size} task", Query(task=task)
        for state in (State.READY, State.SUCCEEDED, State.DEAD):
            yield f"{state.word} of a {size} queue", Query(states=(state,), queue=queue)
            yield f"{state.word} of a {size} task", Query(states=(state,), task=task)
    for tag in ("common", "rare"):
        yield f"a {tag} tag", Query(tag=tag)


async def enqueue(store: SqliteStore) -> object:
    return store.enqueue_now([Job(id=new_id(), task="shop.task1", args=b"[[1]]", created_at=time.time())])


def claim_of(most: int) -> Verb:
    async def claim(store: SqliteStore) -> object:
        wish = Claim(worker="bench:2:abcdef", queues=[("default", most)], limit=most, tasks=frozenset({"shop.task1"}))
        claimed = await store.claim(wish)
        assert len(claimed.leases) == most
        return claimed

    return claim


def number_of(query: Query) -> Verb:
    async def count(store: SqliteStore) -> object:
        return await store.count(query)

    return count


async def queues(store: SqliteStore) -> object:
    return await store.queues()


async def hold_and_release(store: SqliteStore) -> object:
    ready = Query(states=(State.READY,), task="shop.rare")
    ids = tuple(job.id for job in (await store.find(ready)).jobs)
    assert await store.change("hold", ready) == len(ids)
    return await store.change("release", Query(ids=ids))


def page_of(query: Query) -> Verb:
    async def page(store: SqliteStore) -> object:
        return await store.find(query)

    return page


async def measure(few: SqliteStore, many: SqliteStore, rounds: int, only: str) -> list[Measured]:
    measured = []
    for name, verb in verbs():
        if only not in name:
            continue
        one = Measured(name, [], [])
        calls = CALLS if name != "claim of 50" else 15
        for _ in range(rounds):
            one.few.append(await timed(few, verb, calls))
            one.many.append(await timed(many, verb, calls))
        measured.append(one)
    return measured


async def timed(store: SqliteStore, verb: Verb, calls: int) -> float:
    """The median of the calls in milliseconds; afterwards the file is as it was before."""
    newest = new_id()
    took = []
    patience = time.perf_counter() + 1.0
    while len(took) < calls and time.perf_counter() < patience:
        began = time.perf_counter()
        await verb(store)
        took.append((time.perf_counter() - began) * 1000)
    undo(store.path, newest)
    return statistics.median(took)


def undo(path: Path, newest: str) -> None:
    with sqlite3.connect(path, timeout=30) as connection:
        connection.execute(
            "UPDATE queuemgr_jobs SET state = 1, attempt = 0, worker = NULL, started_at = NULL"
            " WHERE state = 2 AND worker = 'bench:2:abcdef'"
        )
        connection.execute("DELETE FROM queuemgr_jobs WHERE seq > ?", (order_of(newest),))


def show(measured: list[Measured], rounds: int) -> None:
    width = max(len(one.name) for one in measured) + 2
    print(f"\nmilliseconds of one call, medians of {rounds} rounds")
    print(f"{'':{width}}{f'{FEW:,} + {FEW:,}':>15} {f'{MANY:,} + {MANY:,}':>23} {'ratio':>8}")
    for one in measured:
        mark = "" if one.ratio <= BOUND else f"  over {BOUND}"
        few, many = statistics.median(one.few), statistics.median(one.many)
        print(f"{one.name:{width}}{few:15.3f} {many:23.3f} {one.ratio:8.2f}{mark}")
    over = sum(one.ratio > BOUND for one in measured)
    say(f"{over} of {len(measured)} are over {BOUND}; so many jobs wait, and as many have ended")


if __name__ == "__main__":
    main()
