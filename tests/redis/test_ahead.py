"""A claim that is sent in the moment in which a resting worker is woken: it leases nothing that nobody runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import redis

from queuemgr.errors import StoreUnavailable
from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.stores.redis.scripts import script
from queuemgr.stores.redis.store import RedisStore
from tests.redis.rig import LateProxy, claim, info, make_job, opened, settlement
from tests.servers.redis import Redis

RUNNING, READY = Query(states=(State.RUNNING,)), Query(states=(State.READY,))


@pytest.fixture
def server(own_redis: Callable[..., Redis]) -> Redis:
    return own_redis()


@asynccontextmanager
async def rested(url: str) -> AsyncIterator[tuple[RedisStore, asyncio.Task[None]]]:
    """A store whose worker found nothing and rests."""
    async with opened(url) as store:
        await store.join(info("worker", tasks=("task",)))
        await store.wait(["default"], 0)
        assert await claim(store) == []
        resting = asyncio.create_task(store.wait(["default"], 60))
        await asyncio.sleep(0)
        yield store, resting
        resting.cancel()


@asynccontextmanager
async def woken(url: str, jobs: int = 1) -> AsyncIterator[tuple[RedisStore, RedisStore, list[str]]]:
    """A store whose worker rested until somebody enqueued so many jobs, the store of that one, and their ids."""
    async with rested(url) as (store, resting), opened(url) as other:
        done = await other.enqueue([make_job() for _ in range(jobs)])
        await asyncio.wait_for(resting, 20)
        yield store, other, [one.id for one in done]


async def until(wanted: int, store: RedisStore, query: Query) -> None:
    async with asyncio.timeout(20):
        while await store.count(query) != wanted:
            await asyncio.sleep(0.01)


def test_a_woken_worker_has_its_job_without_asking_again(server: Redis) -> None:
    async def main() -> None:
        async with woken(server.url) as (store, producer, ids):
            await until(1, producer, RUNNING)
            with redis.Redis(port=server.port) as client:
                before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
                (lease,) = await claim(store)
                assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before
            assert (lease.id, lease.attempt) == (ids[0], 1)
            assert await store.settle([settlement(lease)]) == [True]

    asyncio.run(main())


def test_a_worker_that_was_answered_ahead_stands_in_line_for_more(server: Redis) -> None:
    async def main() -> None:
        async with woken(server.url) as (store, producer, ids):
            assert [lease.id for lease in await claim(store)] == ids
            resting = asyncio.create_task(store.wait(["default"], 60))
            await asyncio.sleep(0)
            await producer.enqueue([job := make_job()])
            await asyncio.wait_for(resting, 4)
            assert [lease.id for lease in await claim(store)] == [job.id]

    asyncio.run(main())


@pytest.mark.parametrize("state", ["quiet", "stopping"])
def test_a_worker_that_takes_no_more_jobs_gives_back_what_was_claimed_ahead(server: Redis, state: str) -> None:
    async def main() -> None:
        async with woken(server.url) as (store, other, ids):
            await store.beat("worker", state)
            assert (await other.count(RUNNING), await other.count(READY)) == (0, 1)
            (lease,) = await claim(other, "other")
            assert (lease.id, lease.failures, lease.crashes) == (ids[0], 0, 0)

    asyncio.run(main())


@pytest.mark.parametrize(("limit", "queue"), [(0, "default"), (1, "default"), (100, "another")])
def test_what_was_claimed_ahead_and_answers_no_claim_goes_back(server: Redis, limit: int, queue: str) -> None:
    async def main() -> None:
        async with woken(server.url, jobs=2) as (store, other, ids):
            taken = await claim(store, "worker", limit, queue)
            assert len(taken) == (limit if queue == "default" else 0)
            left = await claim(other, "other")
            assert {lease.id for lease in (*taken, *left)} == set(ids)

    asyncio.run(main())


def test_nothing_is_claimed_for_a_worker_that_does_not_rest_any_more(server: Redis) -> None:
    async def main() -> None:
        async with rested(server.url) as (store, resting), opened(server.url) as producer:
            resting.cancel()
            await asyncio.gather(resting, return_exceptions=True)
            await producer.enqueue([make_job()])
            # Both are answered on the connection on which it would have been claimed.
            await store.beat("worker")
            assert await store.count(RUNNING) == 0

    asyncio.run(main())


def test_a_claim_ahead_that_was_held_up_is_made_again_and_leases_nothing_later(server: Redis) -> None:
    async def main() -> None:
        async with (
            LateProxy(server.port) as proxy,
            rested(proxy.url) as (store, resting),
            opened(server.url) as producer,
        ):
            proxy.hold(script("claim").sha)
            await producer.enqueue([job := make_job()])
            await asyncio.wait_for(resting, 20)
            (lease,) = await claim(store, limit=1)
            assert proxy.held.is_set()
            assert (lease.id, lease.attempt) == (job.id, 1)
            await producer.enqueue([make_job()])
            assert (await proxy.deliver()).startswith(b"-LATE")
            assert await producer.count(RUNNING) == 1

    asyncio.run(main())


def test_a_claim_ahead_whose_answer_was_lost_is_asked_what_it_leased(server: Redis) -> None:
    async def main() -> None:
        async with woken(server.url) as (store, producer, ids):
            await until(1, producer, RUNNING)
            lost = asyncio.get_running_loop().create_future()
            lost.set_exception(redis.ConnectionError("the connection was closed"))
            store._ahead._sent["worker"] = replace(store._ahead._sent["worker"], answer=lost)
            (lease,) = await claim(store)
            assert (lease.id, lease.attempt) == (ids[0], 1)

    asyncio.run(main())


def test_what_was_claimed_ahead_goes_back_when_the_worker_leaves(server: Redis) -> None:
    async def main() -> None:
        async with woken(server.url) as (store, other, _):
            await store.leave("worker")
            assert len(await claim(other, "other")) == 1

    asyncio.run(main())


def test_a_claim_for_nothing_leaves_to_the_next_one_what_a_lost_one_leased(
    server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with opened(server.url) as store:
            await store.enqueue([job := make_job()])
            run = store._server.run

            async def lost(name: str, given: dict[str, Any]) -> Any:
                answer = await run(name, given)
                if name == "claim":
                    raise StoreUnavailable("the answer was lost")
                return answer

            with monkeypatch.context() as patched:
                patched.setattr(store._server, "run", lost)
                with pytest.raises(StoreUnavailable):
                    await claim(store)
            assert await claim(store, limit=0) == []
            assert [lease.id for lease in await claim(store)] == [job.id]

    asyncio.run(main())
