"""The server ends, is killed, is replaced: no job is lost, none is doubled, and whoever waits goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from queuemgr.errors import StoreUnavailable
from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.stores.redis.store import RedisStore
from tests.redis.rig import claim, info, make_job, opened, settlement
from tests.servers.process import until
from tests.servers.redis import Cluster, Redis, Sentinel

OwnRedis = Callable[..., Redis]


async def produce(store: RedisStore, told: list[str], number: int) -> None:
    for _ in range(number):
        job = make_job()
        await store.enqueue([job])
        told.append(job.id)


async def consume(store: RedisStore, ended: list[str], number: int) -> None:
    while len(ended) < number:
        leases = await claim(store, limit=5)
        if not leases:
            await store.wait(["default"], 0.5)
        elif all(await store.settle(list(map(settlement, leases)))):
            ended.extend(lease.id for lease in leases)


def test_no_job_is_lost_or_doubled_by_restarts_under_load(own_redis: OwnRedis) -> None:
    server = own_redis("--appendfsync", "always")
    told: list[str] = []
    ended: list[str] = []

    async def main() -> None:
        async with opened(server.url) as producer, opened(server.url) as worker:
            producing = asyncio.create_task(produce(producer, told, 400))
            consuming = asyncio.create_task(consume(worker, ended, 400))
            for _ in range(3):
                await asyncio.sleep(0.1)
                await asyncio.to_thread(server.restart)
            await asyncio.gather(producing, consuming)
            assert sorted(ended) == sorted(told)
            assert await worker.count(Query(states=(State.SUCCEEDED,))) == 400

    asyncio.run(main())


def test_no_job_is_lost_or_doubled_by_killed_connections(own_redis: OwnRedis) -> None:
    server = own_redis()
    told: list[str] = []
    ended: list[str] = []

    async def main() -> None:
        async with opened(server.url) as producer, opened(server.url) as worker:
            producing = asyncio.create_task(produce(producer, told, 300))
            consuming = asyncio.create_task(consume(worker, ended, 300))
            while not producing.done():
                await asyncio.sleep(0.02)
                for kind in ("normal", "pubsub"):
                    await asyncio.to_thread(server.say, f"CLIENT KILL TYPE {kind}")
            await asyncio.gather(producing, consuming)
            assert sorted(ended) == sorted(told)

    asyncio.run(main())


def test_who_waits_for_an_end_hears_of_it_over_a_restart(own_redis: OwnRedis) -> None:
    server = own_redis("--appendfsync", "always")

    async def main() -> None:
        async with opened(server.url) as store:
            await store.enqueue([make_job()])
            (lease,) = await claim(store)
            waiting = asyncio.create_task(store.wait_finished(lease.id, 20))
            await asyncio.sleep(0.05)
            await asyncio.to_thread(server.restart)
            assert await store.settle([settlement(lease)]) == [True]
            assert await waiting is State.SUCCEEDED

    asyncio.run(main())


def test_a_worker_that_a_server_has_forgotten_joins_it_again(own_redis: OwnRedis) -> None:
    server = own_redis()

    async def main() -> None:
        async with opened(server.url) as store:
            await store.join(info("worker", tasks=("task",)))
            assert server.say("FLUSHALL") == "+OK"
            assert server.say("SCRIPT FLUSH") == "+OK"
            await store.enqueue([make_job()])
            assert len(await claim(store)) == 1
            assert [worker.id for worker in await store.workers()] == ["worker"]

    asyncio.run(main())


def test_a_replica_is_told_and_a_failover_is_waited_for(own_redis: OwnRedis) -> None:
    master = own_redis()
    replica = own_redis("--replicaof", "127.0.0.1", str(master.port))

    async def main() -> None:
        async with opened(master.url) as store:
            await store.enqueue([make_job()])
        until(lambda: "master_link_status:up" in info_of(replica))
        async with opened(f"{replica.url}?patience=0.1") as store:
            assert await store.count(Query()) == 1
            with pytest.raises(StoreUnavailable, match="is a replica"):
                await store.enqueue([make_job()])
        async with opened(replica.url) as store:
            await store.count(Query())
            enqueuing = asyncio.create_task(store.enqueue([make_job()]))
            await asyncio.sleep(0.1)
            assert not enqueuing.done()
            assert replica.say("REPLICAOF NO ONE") == "+OK"
            await enqueuing
            assert len(await claim(store)) == 2

    asyncio.run(main())


def info_of(server: Redis) -> str:
    import redis

    with redis.Redis(port=server.port) as client:
        return f"master_link_status:{client.info('replication').get('master_link_status')}"


def test_sentinels_lead_to_the_new_master(own_redis: OwnRedis, own_sentinel: Callable[..., Sentinel]) -> None:
    master = own_redis()
    replica = own_redis("--replicaof", "127.0.0.1", str(master.port))
    until(lambda: "master_link_status:up" in info_of(replica))
    sentinel = own_sentinel(master)
    url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/queuemgr/0?patience=60"

    async def main() -> None:
        async with opened(url) as store:
            before, after = make_job(), make_job()
            await store.enqueue([before])
            await asyncio.to_thread(until, lambda: "+slave" in sentinel.log())
            await asyncio.to_thread(until, lambda: replica_has(replica))
            master.kill()
            done = await asyncio.to_thread(store.enqueue_now, [after])
            assert [one.id for one in done] == [after.id]
            assert [lease.id for lease in await claim(store)] == [before.id, after.id]

    asyncio.run(main())


def replica_has(replica: Redis) -> bool:
    return replica.say("HLEN {queuemgr}:jobs") == ":1"


def test_the_keys_of_a_prefix_are_on_one_node_of_a_cluster(own_cluster: Callable[..., Cluster]) -> None:
    cluster = own_cluster()
    url = cluster.url.replace("redis://", "redis+cluster://")

    async def main() -> None:
        for prefix in ("one", "two", "three", "four"):
            async with opened(f"{url}?prefix={prefix}") as store:
                await asyncio.to_thread(store.enqueue_now, [make_job(tags=("tag",))])
                waiting = asyncio.create_task(store.wait(["other"], 20))
                await asyncio.sleep(0.05)
                await store.enqueue([make_job(queue="other")])
                await waiting
                leases = await claim(store, "worker", 10, "default", "other")
                assert all(await store.settle(list(map(settlement, leases))))
                assert await store.count(Query()) == 2

    asyncio.run(main())
