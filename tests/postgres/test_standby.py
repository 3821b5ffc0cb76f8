"""A standby takes no jobs and says so; where it takes over from a server that has died, everybody goes on with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from queuemgr.errors import StoreUnavailable
from queuemgr.outcome import SUCCEEDED
from queuemgr.store import Settlement
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import claim_of, make_job, work_off
from tests.servers.postgres import Postgres

OwnPostgres = Callable[..., Postgres]


class Standby(Postgres):
    """Follows `primary`, which is stopped for a moment to be copied, until it is promoted."""

    def __init__(self, primary: Postgres) -> None:
        super().__init__(primary_conninfo=f"host=127.0.0.1 port={primary.port} user=queuemgr")
        primary.stop()
        assert self.spawn(["cp", "-a", str(primary.folder / "data"), str(self._data)]).wait() == 0
        assert self.spawn(["touch", str(self._data / "standby.signal")]).wait() == 0
        primary.start()

    def promote(self) -> None:
        self.do("SELECT pg_promote(wait => false)")


@pytest.fixture
def primary(own_postgres: OwnPostgres) -> Postgres:
    return own_postgres()


@pytest.fixture
def standby(primary: Postgres) -> Iterator[Standby]:
    """One without which nothing is acknowledged."""
    with closing(Standby(primary)) as standby:
        standby.start()
        primary.do("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.do("SELECT pg_reload_conf()")
        yield standby


def both(one: Postgres, other: Postgres) -> str:
    hosts = f"127.0.0.1:{one.port},127.0.0.1:{other.port}"
    return f"postgresql://queuemgr@{hosts}/queuemgr?target_session_attrs=read-write"


def test_what_was_acknowledged_before_a_standby_took_over_is_there_and_everybody_goes_on(
    primary: Postgres, standby: Standby
) -> None:
    async def scene() -> None:
        store = PostgresStore(both(standby, primary))
        jobs = [make_job() for _ in range(3)]
        await store.enqueue(jobs)
        (lease,) = (await store.claim(claim_of(limit=1))).leases
        primary.kill()
        later = make_job()
        enqueued = asyncio.create_task(store.enqueue([later]))
        await asyncio.sleep(0.1)
        assert not enqueued.done()
        standby.promote()
        await enqueued
        assert await store.settle([Settlement(lease, "w", SUCCEEDED, time.time())]) == [True]
        assert await work_off(store) == [job.id for job in (*jobs[1:], later)]
        waiting = asyncio.create_task(store.wait(["other"], 60))
        await asyncio.to_thread(store.enqueue_now, [make_job(queue="other")])
        await asyncio.wait_for(waiting, 20)
        await store.close()

    asyncio.run(scene())


def test_a_standby_is_named(standby: Standby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queuemgr.stores.postgres.patience.PATIENCE", 0.5)

    async def scene(url: str) -> None:
        store = PostgresStore(url)
        with pytest.raises(StoreUnavailable, match="is read-only, a standby perhaps: add target_session_attrs"):
            await store.enqueue([make_job()])
        with pytest.raises(StoreUnavailable, match="is read-only, a standby perhaps: add target_session_attrs"):
            store.enqueue_now([make_job()])
        await store.close()

    asyncio.run(scene(standby.url))
    asyncio.run(scene(f"{standby.url}?target_session_attrs=read-write"))
