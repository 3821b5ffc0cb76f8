"""What `queuemgr why` costs with a million jobs waiting and a million finished, and with a thousand of each.

`python bench/why.py [--rounds 5]`. It takes the big file that bench/million.py keeps, and makes it if need be. Each
situation is asked of the operation that every face asks. It says whether the bound is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from crew import scratch, url_of
from million import FEW, build, kept
from rounds import say

from queuemgr.client import AsyncClient
from queuemgr.codec import Codec
from queuemgr.job import Lease, State
from queuemgr.service.operations import table
from queuemgr.store import Claim, Query, WorkerInfo
from queuemgr.stores.sqlite.store import SqliteStore
from queuemgr.testing.mortal import this_process

BOUND = 0.050
CALLS = 20
SITUATIONS = ("newest ready", "in the midst", "dead", "succeeded", "cancelled", "scheduled")
OTHERS = ("failures.list", "search by argument", "complete")
Ask = Callable[[], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    big = kept(rebuild=False)
    with scratch() as folder:
        small = folder / "small.db"
        build(small, FEW)
        stores = [SqliteStore(url_of(path)) for path in (small, big)]
        measured = [asyncio.run(measure(store, chosen.rounds)) for store in stores]
        for store in stores:
            store.close_now()
    show(*measured)


async def measure(store: SqliteStore, rounds: int) -> dict[str, float]:
    """Milliseconds of each question, the median of the rounds' medians."""
    client = AsyncClient(lambda: store, Codec())
    found = {}

    async def why(name: str, job: str | None) -> None:
        if job is not None:
            found[name] = await timed(lambda: table.call("jobs.why", {"job_id": job}, client), rounds)

    async with leased(store) as lease:
        await why("running", lease.id)
        for name in SITUATIONS:
            await why(name, await chosen(store, name))
    await why("oldest ready", lease.id)
    for name, search in zip(OTHERS, ("", "args.0:nobody", "task:"), strict=True):
        arguments = {"text": search} if name == "complete" else {"search": search} if search else {}
        operation = {"search by argument": "jobs.list", "complete": "jobs.complete"}.get(name, name)
        found[name] = await timed(lambda o=operation, a=arguments: table.call(o, a, client), rounds)
    return found


async def chosen(store: SqliteStore, name: str) -> str | None:
    """A job in this situation; None where the store has none."""
    ready = Query(states=(State.READY,))
    match name:
        case "newest ready":
            page = await store.find(ready, 1)
        case "in the midst":
            after = None
            for _ in range(3):
                after = (await store.find(ready, 300, after)).after
            page = await store.find(ready, 1, after)
        case word:
            page = await store.find(Query(states=(State[word.upper()],)), 1)
    return page.jobs[0].id if page.jobs else None


@asynccontextmanager
async def leased(store: SqliteStore) -> AsyncIterator[Lease]:
    """The job that has waited for longest, in the hands of a worker; given back afterwards."""
    host, pid, birth = this_process()
    queue = (await store.find(Query(states=(State.READY,)), 1)).jobs[0].queue
    await store.join(WorkerInfo(id="bench", host=host, pid=pid, birth=birth, queues=(queue,), concurrency=1))
    claim = Claim(worker="bench", queues=[(queue, 1)], limit=1, tasks=frozenset())
    try:
        yield (await store.claim(claim)).leases[0]
    finally:
        await store.leave("bench")


async def timed(ask: Ask, rounds: int) -> float:
    await ask()
    medians = []
    for _ in range(rounds):
        taken = []
        for _ in range(CALLS):
            began = time.perf_counter()
            await ask()
            taken.append(time.perf_counter() - began)
        medians.append(statistics.median(taken))
    return statistics.median(medians)


def show(few: dict[str, float], many: dict[str, float]) -> None:
    say(f"{'question':20} {'a thousand':>11} {'a million':>11}")
    for name, seconds in many.items():
        say(f"{name:20} {1000 * few.get(name, float('nan')):8.2f} ms {1000 * seconds:8.2f} ms")
    slow = [name for name, seconds in many.items() if name not in OTHERS and seconds > BOUND]
    say(f"bound of {1000 * BOUND:.0f} ms: {'kept' if not slow else 'broken by ' + ', '.join(slow)}")


if __name__ == "__main__":
    main()
