"""Behind a PgBouncer that lends connections for single transactions everything works, by looking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from queuemgr.job import State, Unique
from queuemgr.store import Query
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import at, make_job, work_off
from tests.servers.postgres import PgBouncer, Postgres


@pytest.fixture
def behind(own_postgres: Callable[..., Postgres], own_pgbouncer: Callable[..., PgBouncer]) -> tuple[Postgres, str]:
    server = own_postgres()
    return server, own_pgbouncer(server, 2).url


def test_a_pooler_is_found_out_and_jobs_pass_through_it(behind: tuple[Postgres, str]) -> None:
    async def course() -> None:
        store = PostgresStore(at(behind[1], durability="normal"))
        ids = [done.id for done in await store.enqueue([make_job() for _ in range(20)])]
        ids += [store.enqueue_now([make_job(unique=Unique("key"))])[0].id]
        assert (await store._db.wires()).end.pooled
        assert sorted(await work_off(store)) == sorted(ids)
        assert await store.count(Query(states=(State.SUCCEEDED,))) == 21
        await store.close()

    asyncio.run(course())


def test_a_waiter_behind_a_pooler_looks_again_and_again(behind: tuple[Postgres, str]) -> None:
    async def course() -> None:
        store, other = PostgresStore(behind[1]), PostgresStore(behind[0].url)
        await store.open()
        waiter = asyncio.create_task(store.wait(["default"], 60.0))
        (done,) = await other.enqueue([make_job(held=True)])
        ended = asyncio.create_task(store.wait_finished(done.id, 60.0))
        await asyncio.sleep(0.3)
        assert not waiter.done()
        await other.change("release", Query(ids=(done.id,)))
        await asyncio.wait_for(waiter, 1.0)
        await work_off(other)
        assert await ended is State.SUCCEEDED
        await store.close()
        await other.close()

    asyncio.run(course())


def test_the_word_pooler_tells_it_where_it_cannot_be_found_out(postgres_url: str) -> None:
    async def course() -> None:
        store = PostgresStore(at(postgres_url, pooler="transaction"))
        await store.enqueue([make_job()])
        assert (await store._db.wires()).end.pooled
        assert len(await work_off(store)) == 1
        await store.close()

    asyncio.run(course())


def test_a_direct_connection_is_not_taken_for_a_pooler(store: PostgresStore) -> None:
    async def course() -> None:
        await store.enqueue([make_job()])
        assert not (await store._db.wires()).end.pooled
        await store.close()

    asyncio.run(course())
