"""What the contract says of waiting: it ends soon after there is something, and not later than was asked."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING

import pytest

from queuemgr.errors import JobNotFound
from queuemgr.job import Job, State, new_id
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.testing.elsewhere import Elsewhere

from .stage import FAILED, Cases, Stage, staged, staged_in_real_time

if TYPE_CHECKING:
    from collections.abc import Awaitable

SOON = 0.05
"""Seconds within which a waiter is woken, in the middle of five tries."""

LONG = 20.0


async def time_of(waiting: Awaitable[object]) -> float:
    await waiting
    return time.time()


class WaitCases(Cases):
    @staged_in_real_time
    async def test_what_is_there_already_is_not_waited_for(self, stage: Stage) -> None:
        await stage.enqueue()
        began = time.monotonic()
        await stage.store.wait(["other", "default"], LONG)
        assert time.monotonic() - began < LONG / 4

    @staged_in_real_time
    async def test_a_wait_ends_when_its_time_is_over(self, stage: Stage) -> None:
        await stage.enqueue(queue="other")
        began = time.monotonic()
        await stage.store.wait(["default"], 0.1)
        assert 0.09 <= time.monotonic() - began < LONG / 4

    @staged_in_real_time
    async def test_a_waiter_is_woken_by_another_store_of_its_process(self, stage: Stage) -> None:
        other = await stage.another_store()
        delays = []
        for _ in range(5):
            waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
            await asyncio.sleep(0.02)
            began = time.time()
            await other.enqueue([stage.job()])
            delays.append(await waiter - began)
            await stage.claim()
        assert median(delays) < SOON

    @staged_in_real_time
    async def test_a_waiter_is_woken_by_another_process(self, stage: Stage) -> None:
        delays = []
        with Elsewhere(stage.url) as elsewhere:
            await asyncio.to_thread(elsewhere.ask, "hello")
            for _ in range(5):
                waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
                await asyncio.sleep(0.02)
                began, _ = await asyncio.to_thread(elsewhere.ask, "enqueue", 1)
                delays.append(await waiter - began)
                await stage.claim()
        assert median(delays) < SOON

    @staged_in_real_time
    async def test_every_waiter_is_woken(self, stage: Stage) -> None:
        waiters = [asyncio.create_task(time_of(stage.store.wait([queue], LONG))) for queue in "abab"]
        await asyncio.sleep(0.02)
        began = time.time()
        await stage.store.enqueue([stage.job(queue="a"), stage.job(queue="b")])
        assert max(await asyncio.gather(*waiters)) - began < LONG / 4

    @staged_in_real_time
    async def test_a_waiter_is_woken_when_a_scheduled_job_is_due(self, stage: Stage) -> None:
        moment = stage.now() + 0.15
        await stage.enqueue(run_at=moment)
        woken = await time_of(stage.store.wait(["default"], LONG))
        assert moment <= woken < moment + LONG / 4
        assert len(await stage.claim()) == 1

    @staged_in_real_time
    async def test_a_waiter_is_woken_when_a_schedule_is_due(self, stage: Stage) -> None:
        moment = stage.now() + 0.15
        one = Schedule(name="soon", rule=Every(60.0), job=Job(id=new_id(), task="task", args=b""))
        waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
        await stage.store.put_schedule(one, moment)
        assert moment <= await waiter < moment + LONG / 4

    @staged_in_real_time
    async def test_a_job_in_a_paused_queue_wakes_nobody_until_the_queue_is_resumed(self, stage: Stage) -> None:
        await stage.store.pause("default")
        await stage.enqueue()
        waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
        assert not (await asyncio.wait([waiter], timeout=0.1))[0]
        began = time.time()
        await stage.store.resume("default")
        assert await waiter - began < LONG / 4

    @staged_in_real_time
    async def test_a_job_that_is_given_back_by_its_worker_wakes(self, stage: Stage) -> None:
        await stage.join()
        await stage.enqueue()
        await stage.lease()
        waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
        assert not (await asyncio.wait([waiter], timeout=0.05))[0]
        began = time.time()
        await stage.store.leave("worker")
        assert await waiter - began < LONG / 4

    @staged_in_real_time
    async def test_a_job_that_is_released_or_retried_wakes(self, stage: Stage) -> None:
        held, dead = await stage.enqueue(held=True), await stage.enqueue_ended(State.DEAD)
        for verb, job_id in (("release", held), ("retry", dead)):
            waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
            assert not (await asyncio.wait([waiter], timeout=0.05))[0]
            began = time.time()
            await stage.change(verb, job_id)
            assert await waiter - began < LONG / 4
            await stage.claim()


class WaitFinishedCases(Cases):
    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD, State.CANCELLED])
    @staged
    async def test_the_end_of_a_finished_job_is_told_at_once(self, stage: Stage, state: State) -> None:
        assert await stage.store.wait_finished(await stage.enqueue_ended(state), None) is state

    @staged
    async def test_a_job_that_does_not_end_in_time_has_no_final_state(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        assert await stage.store.wait_finished(job_id, 0.0) is None
        assert await stage.store.wait_finished(job_id, 0.05) is None

    @staged
    async def test_a_job_that_never_was_cannot_be_waited_for(self, stage: Stage) -> None:
        with pytest.raises(JobNotFound):
            await stage.store.wait_finished("no such id", None)

    @staged
    async def test_a_job_that_is_deleted_is_not_waited_for_any_longer(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        waiter = asyncio.create_task(stage.store.wait_finished(job_id, LONG))
        await asyncio.sleep(0.02)
        await stage.change("delete", job_id)
        with pytest.raises(JobNotFound):
            await waiter

    @staged_in_real_time
    async def test_who_waits_for_the_end_is_woken_by_it(self, stage: Stage) -> None:
        other = await stage.another_store()
        delays = []
        for verdict in ({}, {"verdict": FAILED}, {}, {}, {}):
            job_id = await stage.enqueue()
            lease = await stage.lease()
            waiter = asyncio.create_task(time_of(stage.store.wait_finished(job_id, LONG)))
            await asyncio.sleep(0.02)
            began = time.time()
            assert await other.settle([stage.settlement(lease, **verdict)]) == [True]
            delays.append(await waiter - began)
        assert median(delays) < SOON

    @staged
    async def test_a_retry_on_the_way_is_no_end(self, stage: Stage) -> None:
        from .stage import retry_at

        job_id = await stage.enqueue()
        waiter = asyncio.create_task(stage.store.wait_finished(job_id, LONG))
        await stage.run(retry_at(stage.now()))
        await asyncio.sleep(0.05)
        assert not waiter.done()
        await stage.run()
        assert await waiter is State.SUCCEEDED

    @staged
    async def test_a_hundred_wait_for_as_many_jobs(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(100)
        waiters = [asyncio.create_task(stage.store.wait_finished(job_id, LONG)) for job_id in ids]
        await asyncio.sleep(0)
        for lease in await stage.claim():
            await stage.settle(lease)
        assert set(await asyncio.gather(*waiters)) == {State.SUCCEEDED}
