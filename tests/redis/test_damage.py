"""Damaged values: the job they belong to ends among the dead, and all others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from queuemgr.clock import SystemClock
from queuemgr.errors import CorruptStore, JobExists
from queuemgr.job import Job, State, Unique
from queuemgr.outcome import Verdict
from queuemgr.store import Query
from queuemgr.stores.redis.address import read_address
from queuemgr.stores.redis.store import RedisStore
from tests.redis.rig import claim, info, make_job, opened, settlement

DAMAGE = [
    b"",
    b"\xc1",
    b"\x00\x00\x00\x05\xc1\xc1\xc1\xc1\xc1",
    b"\x00\x00\x00\x01\x07",
    b"\x00\x00\x00\x01\x93\x01\x02\x03",
]
GIVEN_BACK = Verdict(State.READY, "given back", reason="the worker stopped")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one store, seen from beside it."""

    url: str
    client: redis.Redis
    base: str

    def put(self, key: str, field: str, value: bytes = b"\xc1damaged") -> None:
        self.client.hset(self.base + key, field, value)

    def entries_of(self, job: Job) -> list[bytes]:
        """The keys in which the job stands."""
        kinds = {b"zset": lambda key: self.client.zrange(key, 0, -1), b"hash": self.client.hkeys}
        found = []
        for key in self.client.scan_iter(f"{self.base}*", count=1000):
            members = kinds.get(self.client.type(key), lambda _: [])(key)
            found += [key for member in members if job.id.encode() in member]
        return found


@pytest.fixture
def keys(redis_url: str) -> Iterator[Keys]:
    address = read_address(redis_url)
    with redis.Redis(port=address.hosts[0][1]) as client:
        yield Keys(redis_url, client, address.base)


async def enqueued(store: RedisStore, number: int, **fields: Any) -> list[Job]:
    jobs = [make_job(**fields) for _ in range(number)]
    await store.enqueue(jobs)
    return jobs


async def is_dead_and_gone(store: RedisStore, keys: Keys, job: Job) -> None:
    """The job is among the dead, stands in no other index, and can be deleted."""
    record = await store.get(job.id)
    assert record.state is State.DEAD
    assert "damaged" in str(record.error)
    assert job.id in [one.id for one in (await store.find(Query(states=(State.DEAD,)))).jobs]
    assert await store.change("delete", Query(ids=(job.id,))) == 1
    assert keys.entries_of(job) == []


@pytest.mark.parametrize("value", DAMAGE)
def test_a_damaged_job_ends_among_the_dead_and_the_others_are_leased(keys: Keys, value: bytes) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            first, second = await enqueued(store, 2)
            keys.put("jobs", first.id, value)
            assert [lease.id for lease in await claim(store)] == [second.id]
            assert await claim(store) == []
            await is_dead_and_gone(store, keys, first)

    asyncio.run(main())


@pytest.mark.parametrize("key", ["jobs", "runs"])
def test_a_worker_leaves_though_a_job_of_it_is_damaged(keys: Keys, key: str) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            await store.join(info("worker"))
            first, second = await enqueued(store, 2)
            assert len(await claim(store)) == 2
            keys.put(key, first.id)
            await store.leave("worker")
            assert [lease.id for lease in await claim(store, "other")] == [second.id]
            await is_dead_and_gone(store, keys, first)

    asyncio.run(main())


@pytest.mark.parametrize("key", ["jobs", "runs"])
def test_a_damaged_job_of_a_dead_worker_keeps_nobody_from_claiming(keys: Keys, key: str) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            await store.join(info("mortal", birth=1))
            first, _ = await enqueued(store, 2)
            assert len(await claim(store, "mortal", 1)) == 1
            keys.put(key, first.id)
            store._patrolled = float("-inf")
            assert len(await claim(store)) == 1
            await is_dead_and_gone(store, keys, first)

    asyncio.run(main())


@pytest.mark.parametrize("key", ["jobs", "runs"])
def test_the_end_of_a_damaged_job_keeps_no_other_end_from_being_kept(keys: Keys, key: str) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            first, second = await enqueued(store, 2, tags=("tag",))
            leases = await claim(store)
            keys.put(key, first.id)
            # What it has become is lost with `runs`; without `jobs` it still ends as it ended.
            assert await store.settle(list(map(settlement, leases))) == [key == "jobs", True]
            assert (await store.get(second.id)).state is State.SUCCEEDED
            assert (await store.get(first.id)).state is (State.SUCCEEDED if key == "jobs" else State.DEAD)

    asyncio.run(main())


def test_a_damaged_job_that_waits_for_its_moment_lets_the_others_come(keys: Keys) -> None:
    async def main() -> None:
        async with opened(keys.url, SystemClock()) as store:
            now = store.clock.now()
            first, second = await enqueued(store, 2, run_at=now + 0.2)
            keys.put("runs", first.id)
            await asyncio.sleep(0.2)
            assert [lease.id for lease in await claim(store)] == [second.id]
            await is_dead_and_gone(store, keys, first)

    asyncio.run(main())


def test_a_damaged_job_whose_task_nobody_knew_goes_in_no_circle(keys: Keys) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            first, second = await enqueued(store, 2)
            parked = Verdict(State.PARKED, "unknown task", reason="no worker here knows the task")
            await store.settle([settlement(lease, parked) for lease in await claim(store)])
            keys.put("jobs", first.id)
            assert [lease.id for lease in await claim(store)] == [second.id]
            assert await claim(store) == []
            await is_dead_and_gone(store, keys, first)

    asyncio.run(main())


@pytest.mark.parametrize("verb", ["cancel", "hold", "delete", "retry"])
def test_a_damaged_job_can_be_told_what_a_sound_one_can(keys: Keys, verb: str) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            first, second = await enqueued(store, 2)
            keys.put("jobs", first.id)
            await store.change(verb, Query(queue="default"))
            await store.change("delete", Query(ids=(first.id,)))
            assert [one.id for one in (await store.find(Query())).jobs] in ([], [second.id])
            assert await claim(store, limit=0) == []
            (queue,) = (await store.queues()) or [None]
            assert queue is None or sum(queue.counts.values()) == 1

    asyncio.run(main())


def test_a_damaged_job_is_seen_and_its_arguments_are_refused(keys: Keys) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            first, second = await enqueued(store, 2)
            keys.put("jobs", first.id)
            assert {one.id for one in (await store.find(Query())).jobs} == {first.id, second.id}
            assert [queue.counts for queue in await store.queues()] == [{State.READY: 2}]
            with pytest.raises(CorruptStore, match=f"{first.id} is damaged"):
                await store.arguments(first.id)
            with pytest.raises(CorruptStore, match=f"{first.id} is damaged"):
                await store.dump(None, 10)

    asyncio.run(main())


def test_a_damaged_key_is_free(keys: Keys) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            await store.enqueue([make_job(unique=Unique("key"))])
            keys.put("unique", "key", b"\xc1")
            await store.enqueue([make_job(unique=Unique("key"))])
            first, second = await claim(store)
            assert await store.settle([settlement(first), settlement(second)]) == [True, True]

    asyncio.run(main())


@pytest.mark.parametrize("deleted", [True, False])
def test_the_key_of_a_damaged_job_is_free(keys: Keys, deleted: bool) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            (job,) = await enqueued(store, 1, unique=Unique("key"))
            keys.put("jobs", job.id)
            assert await claim(store) == []
            if deleted:
                assert await store.change("delete", Query(ids=(job.id,))) == 1
            (second,) = await enqueued(store, 1, unique=Unique("key"))
            with pytest.raises(JobExists):
                await enqueued(store, 1, unique=Unique("key"))
            assert [lease.id for lease in await claim(store)] == [second.id]

    asyncio.run(main())


def test_what_a_worker_said_of_itself_may_be_damaged(keys: Keys) -> None:
    async def main() -> None:
        async with opened(keys.url) as store:
            await store.join(info("broken", host="elsewhere"))
            (job,) = await enqueued(store, 1)
            assert len(await claim(store, "broken")) == 1
            keys.put("workers", "broken", b"\xc1")
            assert await store.workers() == []
            keys.client.zadd(f"{keys.base}beats", {"broken": 1.0})
            store._patrolled = float("-inf")
            assert [lease.id for lease in await claim(store)] == [job.id]
            await store.leave("broken")

    asyncio.run(main())
