"""What the contract says of giving jobs that wait another priority."""

from __future__ import annotations

import asyncio

import pytest

from queuemgr.errors import ConfigError
from queuemgr.job import State
from queuemgr.store import Query

from .control import ENDS, waiting
from .stage import CRASHED, Cases, Stage, retry_at, staged, staged_in_real_time
from .waiting import LONG, time_of


class PriorityCases(Cases):
    @staged
    async def test_a_claim_goes_by_the_new_priority_and_within_it_by_age(self, stage: Stage) -> None:
        first, second, third, fourth = await stage.enqueue_many(4, priority=3)
        assert await stage.store.prioritise(Query(ids=(fourth, second)), 8) == 2
        assert await stage.store.prioritise(Query(ids=(first,)), 0) == 1
        assert [lease.id for lease in await stage.claim()] == [second, fourth, third, first]

    @staged
    async def test_one_job_at_a_time_is_claimed_in_the_new_order_too(self, stage: Stage) -> None:
        low, high, other = await stage.enqueue("a"), await stage.enqueue("b", priority=9), await stage.enqueue("b")
        await stage.store.prioritise(Query(ids=(other,)), 5)
        await stage.store.prioritise(Query(ids=(high,)), 0)
        order = [(await stage.claim(limit=1, tasks=("a", "b")))[0].id for _ in range(3)]
        assert order == [other, low, high]

    @pytest.mark.parametrize("state", [State.SCHEDULED, State.READY, State.HELD, State.PARKED])
    @staged
    async def test_a_job_gets_another_priority_in_each_state_in_which_it_waits(
        self, stage: Stage, state: State
    ) -> None:
        job_id = await waiting(stage, state)
        before = await stage.store.get(job_id)
        assert await stage.store.prioritise(Query(ids=(job_id,)), 7) == 1
        record = await stage.store.get(job_id)
        assert (record.state, record.priority) == (state, 7)
        assert (record.run_at, record.attempts, record.position) == (before.run_at, before.attempts, before.position)

    @pytest.mark.parametrize("state", [State.SCHEDULED, State.HELD])
    @staged
    async def test_the_priority_counts_once_the_job_is_ready(self, stage: Stage, state: State) -> None:
        later = await waiting(stage, state)
        ordinary = await stage.enqueue(priority=4)
        await stage.store.prioritise(Query(ids=(later,)), 5)
        stage.clock.advance(60)
        await stage.change("release", later)
        assert [lease.id for lease in await stage.claim()] == [later, ordinary]

    @staged
    async def test_a_job_keeps_its_new_priority_when_it_is_tried_again(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.store.prioritise(Query(ids=(job_id,)), 6)
        await stage.run(retry_at(stage.now() + 1))
        ordinary = await stage.enqueue(priority=5)
        stage.clock.advance(1)
        assert [lease.id for lease in await stage.claim()] == [job_id, ordinary]
        assert (await stage.store.get(job_id)).priority == 6

    @staged
    async def test_a_job_that_has_seen_a_worker_die_gets_another_priority(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(CRASHED)
        assert await stage.store.prioritise(Query(), 2) == 1
        assert (await stage.store.get(job_id)).priority == 2
        assert (await stage.lease()).id == job_id

    @staged
    async def test_a_running_job_is_left_alone(self, stage: Stage) -> None:
        job_id = await stage.enqueue(priority=1)
        lease = await stage.lease()
        before = await stage.store.get(job_id)
        assert await stage.store.prioritise(Query(ids=(job_id,)), 9) == 0
        assert await stage.store.get(job_id) == before
        assert await stage.settle(lease)

    @pytest.mark.parametrize("state", ENDS)
    @staged
    async def test_a_finished_job_is_left_alone(self, stage: Stage, state: State) -> None:
        job_id = await stage.enqueue_ended(state)
        before = await stage.store.get(job_id)
        assert await stage.store.prioritise(Query(ids=(job_id,)), 9) == 0
        assert await stage.store.prioritise(Query(states=(state,)), 9) == 0
        assert await stage.store.get(job_id) == before

    @staged
    async def test_a_query_names_the_jobs_that_get_the_priority_and_no_others(self, stage: Stage) -> None:
        wanted = await stage.enqueue_many(3, "mail", queue="a", tags=("t",))
        held = await stage.enqueue("mail", queue="a", tags=("t",), held=True)
        others = [
            await stage.enqueue("mail", queue="a"),
            await stage.enqueue("mail", queue="b", tags=("t",)),
            await stage.enqueue("other", queue="a", tags=("t",)),
        ]
        named = Query(task="mail", queue="a", tag="t", states=(State.READY,))
        assert await stage.store.prioritise(named, 4) == 3
        priorities = [(await stage.store.get(job_id)).priority for job_id in (*wanted, held, *others)]
        assert priorities == [4, 4, 4, 0, 0, 0, 0]

    @staged
    async def test_it_names_every_waiting_job_of_a_queue(self, stage: Stage) -> None:
        ids = [await waiting(stage, state) for state in (State.PARKED, State.READY, State.SCHEDULED, State.HELD)]
        elsewhere = await stage.enqueue(queue="other")
        assert await stage.store.prioritise(Query(queue="default"), 9) == 4
        assert [(await stage.store.get(job_id)).priority for job_id in (*ids, elsewhere)] == [9, 9, 9, 9, 0]

    @staged
    async def test_jobs_that_have_the_priority_already_are_counted_as_well(self, stage: Stage) -> None:
        await stage.enqueue_many(2, priority=5)
        await stage.enqueue()
        assert [await stage.store.prioritise(Query(), 5) for _ in range(2)] == [3, 3]
        assert await stage.store.prioritise(Query(task="nothing of that name"), 5) == 0

    @staged
    async def test_queues_have_as_many_jobs_in_each_state_as_before(self, stage: Stage) -> None:
        for state in (State.PARKED, State.SCHEDULED, State.HELD, State.READY):
            await waiting(stage, state)
        before = await stage.store.queues()
        assert await stage.store.prioritise(Query(), 9) == 4
        assert await stage.store.queues() == before
        assert await stage.store.count(Query(queue="default", states=(State.READY,))) == 1

    @pytest.mark.parametrize("by_id", [True, False])
    @staged
    async def test_more_jobs_than_one_step_changes_get_the_priority(self, stage: Stage, by_id: bool) -> None:
        ids = await stage.enqueue_many(600)
        first = await stage.enqueue(priority=1)
        query = Query(ids=(*ids, ids[0], "no such id")) if by_id else Query(task="task", created_before=stage.now() + 1)
        assert await stage.store.prioritise(query, 2) == (600 if by_id else 601)
        order = [lease.id for lease in await stage.claim()]
        assert order == [*ids, first]
        found = await stage.store.find(Query(), limit=1000)
        assert sum(job.priority == 2 for job in found.jobs) == (600 if by_id else 601)

    @staged
    async def test_pages_are_in_the_order_of_age_whatever_the_priority(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(6)
        for priority, job_id in zip((5, 1, 9), ids[::2], strict=True):
            await stage.store.prioritise(Query(ids=(job_id,)), priority)
        found = await stage.store.find(Query(states=(State.READY,)), limit=4)
        rest = await stage.store.find(Query(states=(State.READY,)), limit=4, after=found.after)
        assert [job.id for job in (*found.jobs, *rest.jobs)] == ids[::-1]

    @staged
    async def test_another_store_takes_over_the_new_priority(self, stage: Stage) -> None:
        job_id = await stage.enqueue(priority=1)
        await stage.store.prioritise(Query(), 8)
        (snapshot,), _ = await stage.store.dump(None, 10)
        assert snapshot.job.priority == 8
        await stage.change("delete", job_id)
        assert await stage.store.restore([snapshot]) == 1
        assert (await stage.store.get(job_id)).priority == 8

    @pytest.mark.parametrize("priority", [-1, 10])
    @staged
    async def test_a_priority_is_0_to_9(self, stage: Stage, priority: int) -> None:
        job_id = await stage.enqueue()
        with pytest.raises(ConfigError, match="0 to 9"):
            await stage.store.prioritise(Query(), priority)
        assert (await stage.store.get(job_id)).priority == 0

    @staged_in_real_time
    async def test_who_waits_for_work_is_not_woken(self, stage: Stage) -> None:
        await stage.join()
        await stage.enqueue(held=True)
        waiter = asyncio.create_task(time_of(stage.store.wait(["default"], LONG)))
        assert not (await asyncio.wait([waiter], timeout=0.1))[0]
        assert await stage.store.prioritise(Query(), 9) == 1
        assert not (await asyncio.wait([waiter], timeout=0.1))[0]
        await stage.enqueue()
        await waiter
