"""What the contract says of a job's life over foreign keys: nothing lost, doubled, or foreign and touched."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from queuemgr.errors import JobNotFound
from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.testing.contract.stage import (
    CRASHED,
    FAILED,
    GIVEN_BACK,
    Stage,
    retry_at,
    snooze_until,
    staged,
    staged_in_real_time,
)

from .setting import DialectCases

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 20.0


class LifeCases(DialectCases):
    @pytest.fixture
    def everything(self, url: str) -> Callable[[], object]:
        """All that the foreign system holds at this moment, in a form that can be compared."""
        raise NotImplementedError("a suite of tests for a dialect needs the fixture `everything`")

    @staged
    async def test_a_job_is_leased_with_all_that_it_asks_for_and_gone_when_it_has_run(self, stage: Stage) -> None:
        job = stage.job(self.task, args=b'[[],{"to":"ann"}]', options={"timeout": 5})
        await stage.store.enqueue([job])
        lease = await stage.lease(tasks=[self.task])
        assert (lease.id, lease.task, lease.queue, lease.args) == (job.id, self.task, "default", job.args)
        assert (lease.attempt, lease.failures, lease.crashes, lease.options) == (1, 0, 0, {"timeout": 5})
        assert await stage.state(job.id) is State.RUNNING
        assert await stage.settle(lease)
        with pytest.raises(JobNotFound):
            await stage.store.get(job.id)
        assert not await stage.settle(lease)

    @staged
    async def test_older_jobs_go_before_younger_and_each_is_leased_once(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(50, self.task)
        other = await stage.another_store()
        del other
        first = await stage.claim(limit=20, tasks=[self.task])
        assert [lease.id for lease in first] == ids[:20]
        assert [lease.id for lease in await stage.claim("another", tasks=[self.task])] == ids[20:]
        assert await stage.claim(tasks=[self.task]) == []

    @staged
    async def test_a_failure_is_counted_and_waits_for_its_moment_and_a_snooze_is_not(self, stage: Stage) -> None:
        await stage.enqueue(self.task)
        for failures, verdict in enumerate((retry_at, retry_at, snooze_until)):
            lease = await stage.lease(tasks=[self.task])
            assert (lease.attempt, lease.failures) == (failures + 1, failures)
            assert await stage.settle(lease, verdict(stage.now() + 10))
            assert await stage.claim(tasks=[self.task]) == []
            stage.clock.advance(10)
        assert (await stage.lease(tasks=[self.task])).failures == 2

    @staged
    async def test_a_job_that_is_given_back_or_crashed_runs_again_without_a_failure(self, stage: Stage) -> None:
        await stage.enqueue(self.task)
        assert await stage.settle(await stage.lease(tasks=[self.task]), GIVEN_BACK)
        lease = await stage.lease(tasks=[self.task])
        assert (lease.attempt, lease.failures, lease.crashes) == (2, 0, 0)
        assert await stage.settle(lease, CRASHED)
        lease = await stage.lease(tasks=[self.task])
        assert (lease.attempt, lease.failures, lease.crashes) == (3, 0, 1)

    @staged
    async def test_a_dead_job_is_kept_with_its_reason_and_arguments(self, stage: Stage) -> None:
        job_id = await stage.enqueue(self.task, args=b'[[],{"to":"ann"}]')
        error = {"type": "builtins.ValueError", "message": "no such address \udc80"}
        assert await stage.settle(await stage.lease(tasks=[self.task]), FAILED, error={**error, "message": "no"})
        record = await stage.store.get(job_id)
        assert (record.state, record.failures, record.finished_at) == (State.DEAD, 1, stage.now())
        assert record.error == {"type": "builtins.ValueError", "message": "no", "reason": FAILED.reason}
        assert await stage.store.arguments(job_id) == b'[[],{"to":"ann"}]'
        assert await stage.store.count(Query(states=(State.DEAD,))) == 1

    @staged
    async def test_a_token_that_is_not_the_newest_changes_nothing(self, stage: Stage) -> None:
        await stage.enqueue(self.task)
        mortal = await stage.join_mortal()
        stale = await stage.lease("mortal", tasks=[self.task])
        mortal.kill()
        await stage.a_death_is_noticed()
        fresh = await stage.lease(tasks=[self.task])
        assert fresh.attempt > stale.attempt
        for verdict in (FAILED, GIVEN_BACK, retry_at(stage.now())):
            assert not await stage.settle(stale, verdict, worker="mortal")
        assert await stage.state(fresh.id) is State.RUNNING
        assert await stage.settle(fresh)

    @staged
    async def test_the_jobs_of_a_dead_worker_run_again_and_the_crash_is_counted_apart(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(2, self.task)
        mortal = await stage.join_mortal()
        assert len(await stage.claim("mortal", tasks=[self.task])) == 2
        mortal.kill()
        await stage.a_death_is_noticed()
        (lease,) = await stage.claim(tasks=[self.task])
        assert lease.id in ids
        assert (lease.failures, lease.crashes) == (0, 1)

    @staged
    async def test_a_job_that_kills_its_workers_is_dead_in_the_end(self, stage: Stage) -> None:
        job_id = await stage.enqueue(self.task, crash_budget=2)
        for number in range(2):
            mortal = await stage.join_mortal(f"mortal {number}")
            await stage.lease(f"mortal {number}", tasks=[self.task])
            mortal.kill()
            await stage.a_death_is_noticed()
        assert await stage.claim(tasks=[self.task]) == []
        record = await stage.store.get(job_id)
        assert (record.state, record.crashes) == (State.DEAD, 2)
        assert "quarantined" in str(record.error)

    @staged
    async def test_a_worker_that_leaves_gives_its_jobs_back_in_order_and_blames_none(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(3, self.task)
        await stage.join()
        await stage.claim(tasks=[self.task], limit=2)
        await stage.store.leave("worker")
        leases = await stage.claim("another", tasks=[self.task])
        assert [(lease.id, lease.crashes) for lease in leases] == [(job_id, 0) for job_id in ids]

    @staged
    async def test_what_is_said_for_a_process_does_nothing_to_another_that_bears_its_name(self, stage: Stage) -> None:
        await stage.enqueue(self.task)
        await stage.join()
        lease = await stage.lease(tasks=[self.task])
        host, pid, birth = (await stage.store.workers())[0].life
        assert await stage.store.beat("worker", life=(host, pid, birth + 1)) == []
        await stage.store.leave("worker", died=True, life=(host, pid, birth + 1))
        assert await stage.claim("another", tasks=[self.task]) == []
        await stage.store.leave("worker", life=(host, pid, birth))
        assert [one.id for one in await stage.claim("another", tasks=[self.task])] == [lease.id]

    @staged
    async def test_a_long_job_is_not_taken_over_while_its_worker_beats(self, stage: Stage) -> None:
        await stage.enqueue(self.task)
        await stage.join(host="elsewhere")
        lease = await stage.lease(tasks=[self.task])
        for _ in range(200):
            stage.clock.advance(stage.store.lease / 2)
            assert await stage.store.beat("worker") == []
            assert await stage.claim("another", tasks=[self.task]) == []
        assert await stage.settle(lease)

    @staged
    async def test_a_running_job_that_somebody_wants_stopped_is_told_to_its_worker(self, stage: Stage) -> None:
        job_id = await stage.enqueue(self.task)
        await stage.join()
        lease = await stage.lease(tasks=[self.task])
        assert await stage.store.beat("worker") == []
        assert await stage.change("cancel", job_id) == 1
        assert await stage.store.beat("worker") == [job_id]
        assert await stage.settle(lease, retry_at(stage.now()))
        assert await stage.state(job_id) is State.CANCELLED
        assert await stage.claim(tasks=[self.task]) == []

    @staged
    async def test_jobs_of_tasks_that_nobody_here_knows_stay_untouched_and_stand_in_no_ones_way(
        self, stage: Stage, everything: Callable[[], object]
    ) -> None:
        await stage.enqueue_many(300, self.task + "Unknown")
        before = everything()
        assert await stage.claim(tasks=[self.task]) == []
        assert everything() == before
        wanted = await stage.enqueue(self.task)
        assert [lease.id for lease in await stage.claim(tasks=[self.task])] == [wanted]

    @staged
    async def test_looking_changes_nothing(self, stage: Stage, everything: Callable[[], object]) -> None:
        ids = await stage.enqueue_many(3, self.task)
        assert await stage.settle((await stage.claim(tasks=[self.task], limit=1))[0], FAILED)
        await stage.claim(tasks=[self.task], limit=1)
        before = everything()
        for job_id in ids:
            await stage.store.get(job_id)
            await stage.store.arguments(job_id)
        await stage.store.find(Query())
        await stage.store.find(Query(task=self.task, states=(State.READY,)), limit=1)
        assert await stage.store.count(Query()) == 3
        await stage.store.queues()
        await stage.store.workers()
        await stage.store.wait(["default"], 0.05)
        assert everything() == before

    @staged
    async def test_pages_tell_every_job_once(self, stage: Stage) -> None:
        ids = set(await stage.enqueue_many(25, self.task)) | set(await stage.enqueue_many(7, self.task, queue="b"))
        after, seen = None, []
        while True:
            page = await stage.store.find(Query(), 10, after)
            seen += [job.id for job in page.jobs]
            if (after := page.after) is None:
                break
        assert sorted(seen) == sorted(ids)

    @staged_in_real_time
    async def test_a_waiter_is_woken_by_a_job_and_not_by_one_that_is_for_others(self, stage: Stage) -> None:
        await stage.enqueue(self.task + "Unknown")
        assert await stage.claim(tasks=[self.task]) == []
        began = time.monotonic()
        await stage.store.wait(["default"], 0.2)
        assert time.monotonic() - began > 0.15
        waiter = asyncio.create_task(stage.store.wait(["default"], LONG))
        await asyncio.sleep(0.05)
        await stage.enqueue(self.task)
        began = time.monotonic()
        await waiter
        assert time.monotonic() - began < LONG / 4
        assert len(await stage.claim(tasks=[self.task])) == 1
