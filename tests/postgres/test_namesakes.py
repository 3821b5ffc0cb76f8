"""Workers that bear one name one after another: what the earlier one still says harms the later one in nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from queuemgr.clock import Clock
from queuemgr.errors import StoreError
from queuemgr.job import State
from queuemgr.store import REMOTE_LEASE, Query, WorkerInfo
from queuemgr.stores.postgres.encoding import encode, life_of
from queuemgr.stores.postgres.store import PostgresStore
from queuemgr.testing.clock import ManualClock
from tests.postgres.rig import claim_of, make_job, plain, this_process

RUNNING = Query(states=(State.RUNNING,))
SUCCESSOR = this_process()
DEAD, FAR = replace(SUCCESSOR, birth=1), replace(SUCCESSOR, host="another machine", pid=1, birth=1)


@asynccontextmanager
async def two(url: str, clock: Clock | None = None) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two processes' stores."""
    stores = PostgresStore(url, clock), PostgresStore(url, clock)
    try:
        yield stores
    finally:
        for store in stores:
            await store.close()


async def lives(store: PostgresStore) -> list[Any]:
    return [life_of(worker) for worker in await store.workers()]


@pytest.mark.parametrize("before", [None, replace(DEAD, birth=2)], ids=["to a free name", "to the name of a dead one"])
def test_a_dead_process_that_joins_late_takes_nothing_from_its_successor(
    postgres_url: str, before: WorkerInfo | None
) -> None:
    async def main() -> None:
        async with two(postgres_url) as (dead, successor):
            if before is not None:
                await successor.join(before)
            await successor.join(SUCCESSOR)
            await successor.enqueue([make_job(), make_job()])
            assert len((await successor.claim(claim_of(limit=1))).leases) == 1
            await dead._join(DEAD, None if before is None else encode(life_of(before)))
            assert await lives(successor) == [life_of(SUCCESSOR)]
            assert await successor.count(RUNNING) == 1
            assert len((await successor.claim(claim_of())).leases) == 1

    asyncio.run(main())


def test_a_dead_process_that_joins_in_the_same_moment_does_not_overwrite_its_successor(postgres_url: str) -> None:
    async def main() -> None:
        async with two(postgres_url) as (dead, other):
            await other.open()
            with plain(postgres_url) as successor:
                successor.execute("SELECT join_worker(%s, NULL, NULL)", (encode(SUCCESSOR).decode(),))
                late = asyncio.create_task(dead._join(DEAD))
                await until_it_waits_for(successor, postgres_url)
            assert await late is not None
            assert await lives(other) == [life_of(SUCCESSOR)]

    asyncio.run(main())


async def until_it_waits_for(holder: psycopg.Connection[Any], url: str) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with plain(url, autocommit=True) as looking:
        async with asyncio.timeout(20):
            while looking.execute(waiting, (holder.info.backend_pid,)).fetchone() == (0,):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", ["claim", "beat"])
def test_a_worker_that_was_taken_for_dead_does_not_come_back_in_its_successors_place(
    postgres_url: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with two(postgres_url) as (old, new):
            await old.join(FAR)
            await new.leave("w", died=True)
            rejoin = old._join

            async def overtaken(*given: Any) -> Any:
                await new.join(SUCCESSOR)
                assert len((await new.claim(claim_of(limit=1))).leases) == 1
                return await rejoin(*given)

            monkeypatch.setattr(old, "_join", overtaken)
            await new.enqueue([make_job(), make_job()])
            if way == "beat":
                assert await old.beat("w") == []
            else:
                with pytest.raises(StoreError, match="another process works as 'w'"):
                    await old.claim(claim_of())
            assert await new.count(RUNNING) == 1
            assert await lives(new) == [life_of(SUCCESSOR)]

    asyncio.run(main())


@pytest.mark.parametrize(("said", "mood", "crashes"), [("stopping", "running", 1), ("running", "stopping", 0)])
def test_a_late_beat_does_not_speak_for_the_successor_of_who_sent_it(
    postgres_url: str, said: str, mood: str, crashes: int
) -> None:
    async def main() -> None:
        clock = ManualClock()
        async with two(postgres_url, clock) as (dead, successor):
            await dead.join(replace(DEAD, beat_at=clock.now()))
            await successor.join(replace(FAR, beat_at=clock.now()))
            await successor.beat("w", mood)
            await successor.enqueue([make_job()])
            assert len((await successor.claim(claim_of())).leases) == 1
            await dead.beat("w", said)
            assert [worker.state for worker in await successor.workers()] == [mood]
            clock.advance(REMOTE_LEASE + 1)
            # A death while a worker stops is not the fault of its job.
            assert [lease.crashes for lease in (await successor.claim(claim_of("other"))).leases] == [crashes]

    asyncio.run(main())


def test_who_was_replaced_does_not_keep_its_successor_alive_by_its_own_beats(postgres_url: str) -> None:
    async def main() -> None:
        clock = ManualClock()
        async with two(postgres_url, clock) as (replaced, successor):
            await replaced.join(replace(SUCCESSOR, beat_at=clock.now()))
            await successor.join(replace(FAR, beat_at=clock.now()))
            await successor.enqueue([make_job()])
            assert len((await successor.claim(claim_of())).leases) == 1
            for _ in range(3):
                clock.advance(REMOTE_LEASE / 2)
                assert await replaced.beat("w") == []
            (lease,) = (await replaced.claim(claim_of())).leases
            assert (lease.attempt, lease.crashes) == (2, 1)

    asyncio.run(main())
