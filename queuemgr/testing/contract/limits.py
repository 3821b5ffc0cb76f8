"""Limits: how many jobs of a queue run at once, whoever runs them."""

from __future__ import annotations

import asyncio
import time

from .stage import CRASHED, Cases, Stage, staged, staged_in_real_time
from .waiting import LONG, time_of


class LimitCases(Cases):
    @staged
    async def test_no_more_jobs_run_than_the_limit_says_whoever_asks(self, stage: Stage) -> None:
        await stage.enqueue_many(5)
        await stage.store.limit("default", 2)
        (first, _) = await stage.claim(limit=5)
        assert await stage.claim(worker="other", limit=5) == []
        assert await stage.settle(first)
        assert len(await stage.claim(worker="other", limit=5)) == 1

    @staged
    async def test_a_limit_that_is_taken_away_or_raised_lets_the_rest_run(self, stage: Stage) -> None:
        await stage.enqueue_many(5)
        await stage.store.limit("default", 1)
        assert len(await stage.claim(limit=9)) == 1
        await stage.store.limit("default", 3)
        assert len(await stage.claim(limit=9)) == 2
        await stage.store.limit("default", None)
        assert len(await stage.claim(limit=9)) == 2

    @staged
    async def test_a_limit_below_what_runs_stops_nothing_and_lets_nothing_begin(self, stage: Stage) -> None:
        await stage.enqueue_many(4)
        leases = await stage.claim(limit=3)
        await stage.store.limit("default", 1)
        assert await stage.claim(limit=3) == []
        for lease in leases:
            assert await stage.settle(lease)
        assert len(await stage.claim(limit=3)) == 1

    @staged
    async def test_what_a_full_queue_leaves_free_goes_to_others(self, stage: Stage) -> None:
        await stage.enqueue_many(3, queue="a")
        await stage.enqueue_many(3, queue="b")
        await stage.store.limit("a", 1)
        leases = await stage.claim(queues=[("a", 2), ("b", 2)], limit=4)
        assert sorted(lease.queue for lease in leases) == ["a", "b", "b", "b"]

    @staged
    async def test_a_retry_and_a_suspect_need_room_like_any_other_job(self, stage: Stage) -> None:
        await stage.enqueue_many(2)
        await stage.store.limit("default", 1)
        lease = await stage.lease()
        assert await stage.settle(lease, CRASHED)
        assert len(await stage.claim(limit=2)) == 1
        assert await stage.claim(worker="other", limit=2) == []

    @staged
    async def test_the_room_of_a_worker_that_was_killed_is_free_again(self, stage: Stage) -> None:
        (first, second) = await stage.enqueue_many(2)
        await stage.store.limit("default", 1)
        mortal = await stage.join_mortal()
        await stage.join("other")
        assert (await stage.lease("mortal")).id == first
        assert await stage.claim("other") == []
        mortal.kill()
        await stage.a_death_is_noticed()
        lease = await stage.lease("other")
        assert (lease.id, lease.attempt) == (first, 2)
        assert await stage.settle(lease, worker="other")
        assert (await stage.lease("other")).id == second

    @staged
    async def test_a_limit_is_shown_with_its_queue_even_without_jobs(self, stage: Stage) -> None:
        await stage.store.limit("empty", 4)
        assert [(queue.name, queue.limit) for queue in await stage.store.queues()] == [("empty", 4)]
        await stage.store.limit("empty", None)
        assert await stage.store.queues() == []

    @staged_in_real_time
    async def test_a_job_in_a_full_queue_wakes_nobody_until_there_is_room(self, stage: Stage) -> None:
        await stage.join()
        await stage.enqueue_many(2)
        await stage.store.limit("default", 1)
        lease = await stage.lease()
        waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
        assert not (await asyncio.wait([waiter], timeout=0.1))[0]
        began = time.time()
        assert await stage.settle(lease)
        assert await waiter - began < LONG / 4

    @staged_in_real_time
    async def test_a_limit_that_is_raised_wakes_who_waits(self, stage: Stage) -> None:
        await stage.join()
        await stage.enqueue_many(2)
        await stage.store.limit("default", 1)
        await stage.lease()
        waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
        assert not (await asyncio.wait([waiter], timeout=0.1))[0]
        began = time.time()
        await stage.store.limit("default", None)
        assert await waiter - began < LONG / 4
