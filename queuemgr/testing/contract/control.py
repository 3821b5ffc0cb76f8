"""What the contract says of changing jobs by hand, and of forgetting them."""

from __future__ import annotations

import pytest

from queuemgr.errors import ConfigError, JobNotFound
from queuemgr.job import State
from queuemgr.store import KEEP, KEEP_DEAD, Query, Report

from .stage import CRASHED, FAILED, UNKNOWN, Cases, Stage, retry_at, staged

ENDS = (State.SUCCEEDED, State.DEAD, State.CANCELLED)


async def waiting(stage: Stage, state: State) -> str:
    """A job in one of the four states in which jobs wait."""
    match state:
        case State.SCHEDULED:
            return await stage.enqueue(run_at=stage.now() + 60)
        case State.HELD:
            return await stage.enqueue(held=True)
        case State.PARKED:
            job_id = await stage.enqueue()
            await stage.run(UNKNOWN)
            return job_id
    return await stage.enqueue()


class ControlCases(Cases):
    @pytest.mark.parametrize("state", [State.SCHEDULED, State.READY, State.HELD, State.PARKED])
    @staged
    async def test_a_waiting_job_is_cancelled_at_once(self, stage: Stage, state: State) -> None:
        job_id = await waiting(stage, state)
        assert await stage.state(job_id) is state
        assert await stage.change("cancel", job_id) == 1
        record = await stage.store.get(job_id)
        assert (record.state, record.finished_at) == (State.CANCELLED, stage.now())
        stage.clock.advance(60)
        assert await stage.claim() == []

    @pytest.mark.parametrize("verb", ["cancel", "hold", "release"])
    @pytest.mark.parametrize("state", ENDS)
    @staged
    async def test_a_finished_job_cannot_be_cancelled_held_or_released(
        self, stage: Stage, state: State, verb: str
    ) -> None:
        job_id = await stage.enqueue_ended(state)
        before = await stage.store.get(job_id)
        assert await stage.change(verb, job_id) == 0
        assert await stage.store.get(job_id) == before

    @pytest.mark.parametrize("state", ENDS)
    @staged
    async def test_a_finished_job_that_is_retried_starts_afresh_with_a_higher_token(
        self, stage: Stage, state: State
    ) -> None:
        job_id = await stage.enqueue_ended(state)
        attempt = (await stage.store.get(job_id)).attempt
        assert await stage.change("retry", job_id) == 1
        record = await stage.store.get(job_id)
        assert (record.state, record.failures, record.crashes) == (State.READY, 0, 0)
        assert (record.finished_at, record.expires_at, record.error) == (None, None, None)
        assert (await stage.lease()).attempt == attempt + 1

    @staged
    async def test_a_success_that_is_retried_keeps_its_history_but_not_its_result(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(result=b"old")
        await stage.change("retry", job_id)
        assert await stage.store.result(job_id) is None
        await stage.run(FAILED)
        attempts = (await stage.store.get(job_id)).attempts
        assert [(one.number, one.outcome) for one in attempts] == [(1, "succeeded"), (2, "failed")]

    @staged
    async def test_a_scheduled_job_that_is_retried_runs_at_once(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(retry_at(stage.now() + 3600))
        assert await stage.change("retry", job_id) == 1
        lease = await stage.lease()
        assert (lease.id, lease.failures) == (job_id, 1)

    @pytest.mark.parametrize("state", [State.READY, State.HELD, State.RUNNING])
    @staged
    async def test_a_job_that_is_ready_held_or_running_is_not_retried(self, stage: Stage, state: State) -> None:
        job_id = await stage.enqueue(held=state is State.HELD)
        if state is State.RUNNING:
            await stage.lease()
        assert await stage.change("retry", job_id) == 0
        assert await stage.state(job_id) is state

    @pytest.mark.parametrize("state", [State.SCHEDULED, State.READY, State.PARKED])
    @staged
    async def test_a_waiting_job_that_is_held_is_not_leased_until_it_is_released(
        self, stage: Stage, state: State
    ) -> None:
        job_id = await waiting(stage, state)
        assert await stage.change("hold", job_id) == 1
        stage.clock.advance(120)
        assert await stage.claim() == []
        assert await stage.state(job_id) is State.HELD
        assert await stage.change("release", job_id) == 1
        assert (await stage.lease()).id == job_id

    @staged
    async def test_a_job_released_before_its_time_waits_for_it_again(self, stage: Stage) -> None:
        job_id = await stage.enqueue(run_at=stage.now() + 60)
        await stage.change("hold", job_id)
        await stage.change("release", job_id)
        assert await stage.state(job_id) is State.SCHEDULED
        assert await stage.claim() == []
        stage.clock.advance(60)
        assert (await stage.lease()).id == job_id

    @staged
    async def test_a_running_job_is_neither_held_nor_deleted(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        assert await stage.change("hold", job_id) == 0
        assert await stage.change("delete", job_id) == 0
        assert await stage.settle(lease)

    @pytest.mark.parametrize("state", [State.SCHEDULED, State.READY, State.HELD, State.PARKED])
    @staged
    async def test_a_waiting_job_can_be_deleted(self, stage: Stage, state: State) -> None:
        job_id = await waiting(stage, state)
        assert await stage.change("delete", job_id) == 1
        stage.clock.advance(60)
        assert await stage.claim() == []
        assert await stage.store.count(Query()) == 0

    @staged
    async def test_nothing_is_left_of_a_deleted_job(self, stage: Stage) -> None:
        job_id = await stage.enqueue(tags=("tag",))
        lease = await stage.lease()
        await stage.store.report([Report(lease, output=[(stage.now(), "stdout", "text")])])
        await stage.settle(lease, FAILED, result=b"result")
        assert await stage.change("delete", job_id) == 1
        for ask in (stage.store.get, stage.store.arguments, stage.store.result, stage.store.output):
            with pytest.raises(JobNotFound):
                await ask(job_id)
        assert await stage.store.count(Query(tag="tag")) == 0
        assert (await stage.store.find(Query())).jobs == []

    @staged
    async def test_a_successor_inherits_nothing_from_a_deleted_job(self, stage: Stage) -> None:
        job_id = await stage.enqueue(tags=("tag",))
        lease = await stage.lease()
        await stage.store.report([Report(lease, output=[(stage.now(), "stdout", "text")])])
        await stage.settle(lease, FAILED)
        await stage.change("delete", job_id)
        successor = await stage.enqueue()
        record = await stage.store.get(successor)
        assert (record.attempts, record.tags, record.progress) == ((), (), None)
        assert await stage.store.output(successor) == []

    @staged
    async def test_a_query_names_the_jobs_that_are_changed_and_no_others(self, stage: Stage) -> None:
        wanted = await stage.enqueue_many(3, "mail", queue="a", tags=("t",))
        others = [
            await stage.enqueue("mail", queue="a"),
            await stage.enqueue("mail", queue="b", tags=("t",)),
            await stage.enqueue("other", queue="a", tags=("t",)),
        ]
        assert await stage.store.change("cancel", Query(task="mail", queue="a", tag="t")) == 3
        assert [await stage.state(job_id) for job_id in wanted] == [State.CANCELLED] * 3
        assert [await stage.state(job_id) for job_id in others] == [State.READY] * 3

    @staged
    async def test_a_query_by_state_changes_jobs_of_that_state(self, stage: Stage) -> None:
        dead = await stage.enqueue_ended(State.DEAD)
        done = await stage.enqueue_ended(State.SUCCEEDED)
        assert await stage.store.change("retry", Query(states=(State.DEAD,))) == 1
        assert (await stage.state(dead), await stage.state(done)) == (State.READY, State.SUCCEEDED)

    @staged
    async def test_thousands_of_jobs_are_changed_by_their_ids(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(3000)
        assert await stage.change("hold", *ids[:-1], "no such id") == 2999
        assert await stage.state(ids[-1]) is State.READY

    @staged
    async def test_jobs_cannot_be_told_what_is_not_a_word(self, stage: Stage) -> None:
        with pytest.raises(ConfigError, match="cancel"):
            await stage.store.change("cancle", Query())


class PruneCases(Cases):
    @staged
    async def test_a_finished_job_is_forgotten_when_its_own_lifetime_is_over(self, stage: Stage) -> None:
        job_id = await stage.enqueue(keep=100)
        await stage.run()
        assert (await stage.store.get(job_id)).expires_at == stage.now() + 100
        stage.clock.advance(99)
        assert await stage.store.prune() == 0
        stage.clock.advance(1)
        assert await stage.store.prune() == 1
        with pytest.raises(JobNotFound):
            await stage.store.get(job_id)

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.CANCELLED])
    @staged
    async def test_a_finished_job_that_says_nothing_is_kept_for_the_usual_time(
        self, stage: Stage, state: State
    ) -> None:
        await stage.enqueue_ended(state)
        stage.clock.advance(KEEP - 1)
        assert await stage.store.prune() == 0
        stage.clock.advance(1)
        assert await stage.store.prune() == 1

    @pytest.mark.parametrize("keep", [None, 1.0, 2 * KEEP_DEAD])
    @staged
    async def test_a_dead_job_is_kept_long_and_as_long_as_it_says(self, stage: Stage, keep: float | None) -> None:
        await stage.enqueue_ended(State.DEAD, keep=keep)
        stage.clock.advance(max(KEEP_DEAD, keep or 0) - 1)
        assert await stage.store.prune() == 0
        stage.clock.advance(1)
        assert await stage.store.prune() == 1

    @pytest.mark.parametrize("keep", [None, 1.0, 2 * KEEP_DEAD])
    @staged
    async def test_a_job_that_died_with_its_worker_is_kept_as_long_as_any_dead_one(
        self, stage: Stage, keep: float | None
    ) -> None:
        job_id = await stage.enqueue(at_most_once=True, keep=keep)
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        mortal.kill()
        await stage.a_death_is_noticed()
        await stage.claim()
        assert (await stage.store.get(job_id)).expires_at == stage.now() + max(KEEP_DEAD, keep or 0)

    @staged
    async def test_a_job_cancelled_while_it_ran_is_kept_as_long_as_any_cancelled_one(self, stage: Stage) -> None:
        job_id = await stage.enqueue(keep=100)
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        await stage.change("cancel", job_id)
        mortal.kill()
        await stage.a_death_is_noticed()
        await stage.claim()
        assert (await stage.store.get(job_id)).expires_at == stage.now() + 100

    @staged
    async def test_jobs_that_wait_or_run_are_never_forgotten(self, stage: Stage) -> None:
        await stage.join()
        for state in (State.SCHEDULED, State.HELD, State.PARKED):
            await waiting(stage, state)
        running, _ = await stage.enqueue_many(2, keep=1)
        await stage.claim(limit=1, tasks=())
        assert await stage.state(running) is State.RUNNING
        stage.clock.advance(10 * KEEP_DEAD)
        assert await stage.store.prune() == 0
        assert await stage.store.count(Query()) == 5

    @staged
    async def test_a_job_that_was_retried_is_not_forgotten_while_it_waits(self, stage: Stage) -> None:
        job_id = await stage.enqueue_ended(State.SUCCEEDED, keep=1)
        await stage.change("retry", job_id)
        stage.clock.advance(10)
        assert await stage.store.prune() == 0

    @staged
    async def test_at_most_as_many_are_forgotten_at_once_as_was_said(self, stage: Stage) -> None:
        await stage.enqueue_many(25, keep=1)
        await stage.store.settle([stage.settlement(lease) for lease in await stage.claim()])
        stage.clock.advance(1)
        assert [await stage.store.prune(10) for _ in range(4)] == [10, 10, 5, 0]

    @staged
    async def test_a_crashed_job_that_waits_is_not_forgotten(self, stage: Stage) -> None:
        await stage.enqueue(keep=1)
        await stage.run(CRASHED)
        stage.clock.advance(10)
        assert await stage.store.prune() == 0
