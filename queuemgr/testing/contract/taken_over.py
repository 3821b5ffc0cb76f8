"""What the contract says of jobs that were taken over from another store: they live on as they would have there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from queuemgr.errors import JobExists
from queuemgr.job import FINISHED, State, Unique
from queuemgr.store import Query

from .copying import KEY, a_job_in, elsewhere, everything, hand_over
from .stage import CRASHED, UNKNOWN, Cases, Stage, staged

if TYPE_CHECKING:
    from pathlib import Path

ENDS = (State.SUCCEEDED, State.DEAD, State.CANCELLED)


class TakenOverCases(Cases):
    @staged
    async def test_jobs_that_are_taken_over_are_leased_in_the_same_order(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            for number in range(12):
                own = {"id": f"order-{99 - number}"} if number % 3 else {}
                await source.enqueue(priority=number % 2, **own)
            jobs = await everything(source.store)
            assert await stage.store.restore(jobs) == 12
            assert [lease.id for lease in await stage.claim()] == [lease.id for lease in await source.claim()]

    @staged
    async def test_a_scheduled_job_that_is_taken_over_becomes_due(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue(run_at=stage.now() + 60)
            await hand_over(source, stage)
        assert await stage.claim() == []
        stage.clock.advance(60)
        assert (await stage.lease()).id == job_id

    @staged
    async def test_a_parked_job_that_is_taken_over_finds_a_worker_that_knows_it(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue("later")
            await source.run(UNKNOWN)
            await hand_over(source, stage)
        assert await stage.claim() == []
        await stage.join(tasks=("later",))
        assert (await stage.lease(tasks=("later",))).id == job_id

    @staged
    async def test_a_held_job_that_is_taken_over_is_released_by_hand(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue(held=True, run_at=stage.now() + 60)
            await hand_over(source, stage)
        assert await stage.change("release", job_id) == 1
        assert await stage.state(job_id) is State.SCHEDULED

    @staged
    async def test_the_crash_budget_goes_on_where_it_was(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue(crash_budget=2)
            await source.run(CRASHED)
            await hand_over(source, stage)
        mortal = await stage.join_mortal()
        assert (await stage.lease("mortal")).crashes == 1
        mortal.kill()
        await stage.a_death_is_noticed()
        assert await stage.claim() == []
        assert await stage.state(job_id) is State.DEAD

    @staged
    async def test_what_was_taken_over_is_found_by_all_that_it_has(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            ids = {state: await a_job_in(source, state, unique=None) for state in (State.DEAD, State.HELD)}
            await hand_over(source, stage)
        for query, states in (
            (Query(tag="ü"), (State.DEAD, State.HELD)),
            (Query(states=(State.DEAD,)), (State.DEAD,)),
            (Query(queue="default", states=(State.HELD,)), (State.HELD,)),
            (Query(error="Straße"), (State.DEAD,)),
            (Query(worker="worker"), (State.DEAD,)),
        ):
            assert {job.id for job in (await stage.store.find(query)).jobs} == {ids[state] for state in states}, query
            assert await stage.store.count(query) == len(states), query
        (queue,) = await stage.store.queues()
        assert {state: number for state, number in queue.counts.items() if number} == {State.DEAD: 1, State.HELD: 1}

    @pytest.mark.parametrize("state", list(State), ids=lambda state: state.word)
    @staged
    async def test_a_unique_key_that_is_taken_over_refuses_as_before(
        self, stage: Stage, tmp_path: Path, state: State
    ) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await a_job_in(source, state, unique=Unique("key", 60))
            await hand_over(source, stage)
        with pytest.raises(JobExists) as caught:
            await stage.enqueue(unique=KEY)
        assert caught.value.job_id == job_id
        stage.clock.advance(60)
        if state in FINISHED:
            assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY
        else:
            with pytest.raises(JobExists):
                await stage.enqueue(unique=KEY)

    @staged
    async def test_a_unique_key_that_is_taken_over_is_freed_by_the_end_of_its_job(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        async with elsewhere(stage, tmp_path) as source:
            await source.enqueue(unique=KEY)
            await hand_over(source, stage)
        await stage.run()
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @staged
    async def test_a_key_that_another_job_holds_here_stays_with_that_job(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            await source.enqueue(unique=KEY)
            holder = await stage.enqueue(unique=KEY)
            await hand_over(source, stage)
        for _ in range(2):
            lease = (await stage.claim(limit=1))[0]
            if lease.id != holder:
                assert await stage.settle(lease)
        with pytest.raises(JobExists) as caught:
            await stage.enqueue(unique=KEY)
        assert caught.value.job_id == holder

    @pytest.mark.parametrize("state", ENDS, ids=lambda state: state.word)
    @staged
    async def test_a_free_key_is_free_where_its_job_is_taken_over(
        self, stage: Stage, tmp_path: Path, state: State
    ) -> None:
        async with elsewhere(stage, tmp_path) as source:
            old = await source.enqueue_ended(state, unique=KEY)
            new = await source.enqueue(unique=KEY)
            jobs = await hand_over(source, stage)
        assert {job.job.id: job.holds_key for job in jobs} == {old: False, new: True}
        with pytest.raises(JobExists) as caught:
            await stage.enqueue(unique=KEY)
        assert caught.value.job_id == new

    @pytest.mark.parametrize("state", ENDS, ids=lambda state: state.word)
    @staged
    async def test_an_ended_job_that_is_taken_over_can_be_retried(
        self, stage: Stage, tmp_path: Path, state: State
    ) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await a_job_in(source, state, unique=KEY)
            (job,) = await hand_over(source, stage)
        assert await stage.change("retry", job_id) == 1
        with pytest.raises(JobExists):
            await stage.enqueue(unique=KEY)
        lease = await stage.lease()
        assert (lease.id, lease.attempt, lease.failures) == (job_id, job.attempt + 1, 0)
        assert await stage.settle(lease, result=b"again")
        assert await stage.store.result(job_id) == b"again"
        assert len((await stage.store.get(job_id)).attempts) == len(job.attempts) + 1

    @staged
    async def test_an_ended_job_that_is_taken_over_is_kept_as_long_as_before(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        async with elsewhere(stage, tmp_path) as source:
            await source.enqueue_ended(State.SUCCEEDED, keep=60)
            stage.clock.advance(30)
            await hand_over(source, stage)
        assert await stage.store.prune() == 0
        stage.clock.advance(30)
        assert await stage.store.prune() == 1
        assert await everything(stage.store) == []

    @staged
    async def test_a_job_that_waits_elsewhere_keeps_its_own_lifetime(self, stage: Stage, tmp_path: Path) -> None:
        async with elsewhere(stage, tmp_path) as source:
            job_id = await source.enqueue(keep=60)
            await hand_over(source, stage)
        await stage.run()
        assert (await stage.store.get(job_id)).expires_at == stage.now() + 60
