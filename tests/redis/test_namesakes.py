"""Workers that bear one name one after another: what the earlier one still says harms the later one in nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from queuemgr.clock import Clock
from queuemgr.errors import StoreError
from queuemgr.job import State
from queuemgr.store import REMOTE_LEASE, Query
from queuemgr.stores.redis.scripts import script
from queuemgr.stores.redis.store import RedisStore
from queuemgr.testing.clock import ManualClock
from tests.redis.rig import LateProxy, claim, info, make_job, opened, settlement
from tests.servers.redis import Redis

OwnRedis = Callable[..., Redis]
RUNNING = Query(states=(State.RUNNING,))
JOIN = script("join").sha
DEAD = {"pid": 1, "birth": 1}
FAR = {"host": "another machine", **DEAD}


@asynccontextmanager
async def dies_asking(proxy: LateProxy, words: bytes, clock: Clock | None = None) -> AsyncIterator[RedisStore]:
    """The store of a process that dies at the end of the block, while its last question is still on the way."""
    proxy.hold(words, silently=True)
    async with opened(proxy.url, clock) as dead:
        yield dead


async def last_words(proxy: LateProxy, question: Coroutine[Any, Any, Any]) -> None:
    """Ask this; nobody hears an answer."""
    asking = asyncio.create_task(question)
    await asyncio.wait_for(proxy.held.wait(), 20)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


def at(clock: Clock) -> dict[str, float]:
    return {"started_at": clock.now(), "beat_at": clock.now()}


@pytest.mark.parametrize("replacing", [False, True], ids=["to a free name", "to the name of a dead one"])
def test_a_dead_process_that_joins_late_takes_nothing_from_its_successor(own_redis: OwnRedis, replacing: bool) -> None:
    async def main() -> None:
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url) as successor:
            if replacing:
                await successor.join(info("worker", pid=2, birth=2))
            async with dies_asking(proxy, b"instead" if replacing else JOIN) as dead:
                await last_words(proxy, dead.join(info("worker", **DEAD)))
            await successor.join(info("worker"))
            await successor.enqueue([make_job(), make_job()])
            (lease,) = await claim(successor, limit=1)
            await proxy.deliver()
            assert [worker.birth for worker in await successor.workers()] == [info("worker").birth]
            assert await successor.count(RUNNING) == 1
            assert len(await claim(successor)) == 1
            assert await successor.settle([settlement(lease)]) == [True]

    asyncio.run(main())


def test_a_worker_that_was_taken_for_dead_does_not_come_back_in_its_successors_place(redis_url: str) -> None:
    async def main() -> None:
        async with opened(redis_url) as old, opened(redis_url) as new:
            await old.join(info("worker", **FAR))
            await new.leave("worker", died=True)
            run = old._server.run

            async def overtaken(name: str, given: dict[str, Any]) -> Any:
                if name == "join":
                    await new.join(info("worker"))
                    assert len(await claim(new, limit=1)) == 1
                return await run(name, given)

            old._server.run = overtaken  # type: ignore[method-assign]
            await new.enqueue([make_job(), make_job()])
            with pytest.raises(StoreError, match="another process works as 'worker'"):
                await claim(old)
            assert await new.count(RUNNING) == 1
            assert [worker.host for worker in await new.workers()] == [info("worker").host]

    asyncio.run(main())


@pytest.mark.parametrize(("said", "mood", "crashes"), [("stopping", "running", 1), ("running", "stopping", 0)])
def test_a_late_beat_does_not_speak_for_the_successor_of_who_sent_it(
    own_redis: OwnRedis, said: str, mood: str, crashes: int
) -> None:
    async def main() -> None:
        clock = ManualClock()
        async with LateProxy(own_redis().port) as proxy, opened(proxy.url, clock) as successor:
            async with dies_asking(proxy, script("beat").sha, clock) as dead:
                await dead.join(info("worker", **at(clock)))
                await last_words(proxy, dead.beat("worker", said))
            await successor.join(info("worker", **FAR, **at(clock)))
            await successor.beat("worker", mood)
            await successor.enqueue([make_job()])
            assert len(await claim(successor)) == 1
            await proxy.deliver()
            assert [worker.state for worker in await successor.workers()] == [mood]
            clock.advance(REMOTE_LEASE + 1)
            # A death while a worker stops is not the fault of its job.
            assert [lease.crashes for lease in await claim(successor, "other")] == [crashes]

    asyncio.run(main())


def test_who_was_replaced_does_not_keep_its_successor_alive_by_its_own_beats(redis_url: str) -> None:
    async def main() -> None:
        clock = ManualClock()
        async with opened(redis_url, clock) as replaced, opened(redis_url, clock) as successor:
            await replaced.join(info("worker", **at(clock)))
            await successor.join(info("worker", **FAR, **at(clock)))
            await successor.enqueue([make_job()])
            assert len(await claim(successor)) == 1
            for _ in range(3):
                clock.advance(REMOTE_LEASE / 2)
                assert await replaced.beat("worker") == []
            (lease,) = await claim(replaced)
            assert (lease.attempt, lease.crashes) == (2, 1)

    asyncio.run(main())
