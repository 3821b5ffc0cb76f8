"""Who waits is woken, as many as there is work for, and nobody is asked over and over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import redis

from tests.redis.rig import claim, make_job, opened, settlement
from tests.servers.redis import Redis

OwnRedis = Callable[..., Redis]


@pytest.fixture(autouse=True)
def nobody_looks_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whoever comes in time was woken, however slow the machine is."""
    monkeypatch.setattr("queuemgr.stores.redis.waiting.LOOK_ANYWAY", 60.0)


async def until_in_line(server: Redis, number: int) -> None:
    with redis.Redis(port=server.port) as client:
        while client.zcard("{queuemgr}:idle:default") < number:
            await asyncio.sleep(0.005)


def test_one_job_wakes_one_of_several_idle_workers(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as producer, opened(server.url) as one, opened(server.url) as another:
            waiting = {asyncio.create_task(store.wait(["default"], 60)) for store in (one, another)}
            await until_in_line(server, 2)
            await producer.enqueue([make_job()])
            await asyncio.wait(waiting, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            woken, still = await asyncio.wait(waiting, timeout=0.3)
            assert (len(woken), len(still)) == (1, 1)
            await producer.enqueue([make_job()])
            await asyncio.wait_for(asyncio.gather(*still), 5)

    asyncio.run(main())


def test_as_many_are_woken_as_there_are_jobs(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as producer, opened(server.url) as one, opened(server.url) as another:
            waiting = [asyncio.create_task(store.wait(["default"], 60)) for store in (one, another)]
            await until_in_line(server, 2)
            await producer.enqueue([make_job(), make_job()])
            await asyncio.wait_for(asyncio.gather(*waiting), 4)

    asyncio.run(main())


def test_a_worker_that_died_in_line_is_passed_over(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as producer, opened(server.url) as alive:
            with redis.Redis(port=server.port) as client:
                client.zadd("{queuemgr}:idle:default", {"{queuemgr}:bell:dead": 0.0, "{queuemgr}:bell:gone": 1.0})
            waiting = asyncio.create_task(alive.wait(["default"], 60))
            await until_in_line(server, 3)
            await producer.enqueue([make_job()])
            await asyncio.wait_for(waiting, 30)

    asyncio.run(main())


def test_a_worker_that_takes_a_part_wakes_another_for_the_rest(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as one, opened(server.url) as another:
            waiting = asyncio.create_task(another.wait(["default"], 60))
            await until_in_line(server, 1)
            with redis.Redis(port=server.port) as client:
                line = client.zrange("{queuemgr}:idle:default", 0, -1)
                client.delete("{queuemgr}:idle:default")
                await one.enqueue([make_job(), make_job()])
                client.zadd("{queuemgr}:idle:default", dict.fromkeys(line, 0.0))
            assert not waiting.done()
            assert len(await claim(one, limit=1)) == 1
            await asyncio.wait_for(waiting, 30)

    asyncio.run(main())


def test_a_claim_that_found_too_little_stands_in_line_without_asking_again(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as store, opened(server.url) as producer:
            await store.wait(["default"], 0)
            assert await claim(store) == []
            with redis.Redis(port=server.port) as client:
                before = calls(client)
                waiting = asyncio.create_task(store.wait(["default"], 60))
                await asyncio.sleep(0.2)
                assert calls(client) == before
            await producer.enqueue([make_job()])
            await asyncio.wait_for(waiting, 30)

    asyncio.run(main())


def calls(client: redis.Redis) -> int:
    return int(client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0))


def test_a_hundred_ends_are_heard_without_looking_again(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as store:
            jobs = [make_job() for _ in range(100)]
            await store.enqueue(jobs)
            waiting = [asyncio.create_task(store.wait_finished(job.id, 60)) for job in jobs]
            await asyncio.sleep(0.3)
            await store.settle(list(map(settlement, await claim(store, limit=1000))))
            await asyncio.wait_for(asyncio.gather(*waiting), 30)

    asyncio.run(main())
