"""What the contract says of unique keys: who holds one, what a second job meets, and when the key is free again."""

from __future__ import annotations

import pytest

from queuemgr.errors import JobExists
from queuemgr.job import State, Unique
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.store import Query

from .stage import CANCELLED, CRASHED, FAILED, GIVEN_BACK, UNKNOWN, Cases, Stage, retry_at, snooze_until, staged

KEY = Unique("key")
EXISTING = Unique("key", on_conflict="existing")
REPLACE = Unique("key", on_conflict="replace")


class UniqueCases(Cases):
    @staged
    async def test_a_taken_key_is_refused_and_the_error_names_key_and_holder(self, stage: Stage) -> None:
        holder = await stage.enqueue(unique=KEY)
        with pytest.raises(JobExists) as caught:
            await stage.enqueue(unique=KEY)
        assert (caught.value.unique_key, caught.value.job_id) == ("key", holder)
        assert await stage.store.count(Query()) == 1

    @staged
    async def test_with_existing_the_answer_names_the_holder(self, stage: Stage) -> None:
        holder = await stage.enqueue(unique=KEY)
        (done,) = await stage.store.enqueue([stage.job(unique=EXISTING)])
        assert (done.id, done.existing) == (holder, True)
        assert await stage.store.count(Query()) == 1

    @staged
    async def test_with_replace_the_new_job_takes_the_place_of_the_waiting_one(self, stage: Stage) -> None:
        old = await stage.enqueue(unique=KEY, run_at=stage.now() + 60)
        (done,) = await stage.store.enqueue([stage.job(unique=REPLACE)])
        assert (done.existing, done.replaced) == (False, old)
        assert await stage.state(old) is State.CANCELLED
        assert (await stage.lease()).id == done.id

    @staged
    async def test_a_replaced_job_says_by_which_and_when(self, stage: Stage) -> None:
        old = await stage.enqueue(unique=KEY)
        new = await stage.enqueue(unique=REPLACE)
        record = await stage.store.get(old)
        assert record.error is not None
        assert new in record.error["message"]
        assert record.finished_at == stage.now()

    @staged
    async def test_a_running_job_goes_on_when_its_key_is_taken_over(self, stage: Stage) -> None:
        await stage.join()
        old = await stage.enqueue(unique=KEY)
        lease = await stage.lease()
        (done,) = await stage.store.enqueue([stage.job(unique=REPLACE)])
        assert done.replaced == old
        assert await stage.state(old) is State.RUNNING
        assert await stage.settle(lease)

    @staged
    async def test_the_end_of_a_job_does_not_free_a_key_that_was_taken_over(self, stage: Stage) -> None:
        await stage.enqueue(unique=KEY)
        lease = await stage.lease()
        new = await stage.enqueue(unique=REPLACE)
        assert await stage.settle(lease)
        with pytest.raises(JobExists) as caught:
            await stage.enqueue(unique=KEY)
        assert caught.value.job_id == new

    @staged
    async def test_other_keys_and_jobs_without_one_do_not_meet(self, stage: Stage) -> None:
        jobs = [stage.job(unique=unique) for unique in (KEY, Unique("KEY"), Unique("key "), Unique(""), None, None)]
        assert not any(done.existing for done in await stage.store.enqueue(jobs))
        assert await stage.store.count(Query()) == 6

    @staged
    async def test_two_jobs_of_one_batch_meet_too(self, stage: Stage) -> None:
        first, second = await stage.store.enqueue([stage.job(unique=KEY), stage.job(unique=EXISTING)])
        assert (second.id, second.existing) == (first.id, True)
        with pytest.raises(JobExists):
            await stage.store.enqueue([stage.job(unique=Unique("other")), stage.job(unique=Unique("other"))])

    @pytest.mark.parametrize("verdict", [SUCCEEDED, FAILED, CANCELLED], ids=lambda verdict: verdict.word)
    @staged
    async def test_the_key_is_free_when_the_job_has_ended(self, stage: Stage, verdict: Verdict) -> None:
        await stage.enqueue(unique=KEY)
        await stage.run(verdict)
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @pytest.mark.parametrize("verb", ["cancel", "delete"])
    @staged
    async def test_the_key_is_free_when_the_waiting_job_is_done_away_with(self, stage: Stage, verb: str) -> None:
        job_id = await stage.enqueue(unique=KEY)
        assert await stage.change(verb, job_id) == 1
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @staged
    async def test_the_key_is_free_when_a_cancelled_run_would_have_been_retried(self, stage: Stage) -> None:
        job_id = await stage.enqueue(unique=KEY)
        lease = await stage.lease()
        await stage.change("cancel", job_id)
        assert await stage.settle(lease, retry_at(stage.now() + 60))
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @staged
    async def test_the_key_is_free_when_the_job_is_quarantined(self, stage: Stage) -> None:
        await stage.enqueue(unique=KEY, crash_budget=1)
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        mortal.kill()
        await stage.a_death_is_noticed()
        assert await stage.claim() == []
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @pytest.mark.parametrize("verdict", [GIVEN_BACK, CRASHED, UNKNOWN], ids=lambda verdict: verdict.word)
    @staged
    async def test_the_key_is_kept_while_the_job_is_to_run_again(self, stage: Stage, verdict: Verdict) -> None:
        await stage.enqueue(unique=KEY)
        await stage.run(verdict)
        with pytest.raises(JobExists):
            await stage.enqueue(unique=KEY)

    @staged
    async def test_the_key_is_kept_while_the_job_waits_for_its_next_attempt(self, stage: Stage) -> None:
        await stage.enqueue(unique=KEY)
        for verdict in (retry_at(stage.now() + 60), snooze_until(stage.now() + 120)):
            await stage.run(verdict)
            with pytest.raises(JobExists):
                await stage.enqueue(unique=KEY)
            stage.clock.advance(60)

    @staged
    async def test_the_key_is_kept_while_the_job_runs_or_is_held(self, stage: Stage) -> None:
        job_id = await stage.enqueue(unique=KEY)
        await stage.change("hold", job_id)
        with pytest.raises(JobExists):
            await stage.enqueue(unique=KEY)
        await stage.change("release", job_id)
        await stage.lease()
        with pytest.raises(JobExists):
            await stage.enqueue(unique=KEY)

    @staged
    async def test_a_window_keeps_the_key_after_the_end_until_it_is_over(self, stage: Stage) -> None:
        first = await stage.enqueue(unique=Unique("key", window=60))
        await stage.run()
        stage.clock.advance(59)
        (done,) = await stage.store.enqueue([stage.job(unique=EXISTING)])
        assert (done.id, done.existing) == (first, True)
        stage.clock.advance(1)
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @staged
    async def test_a_window_that_is_over_does_not_free_the_key_of_an_unfinished_job(self, stage: Stage) -> None:
        await stage.enqueue(unique=Unique("key", window=60))
        stage.clock.advance(120)
        with pytest.raises(JobExists):
            await stage.enqueue(unique=KEY)
        await stage.run()
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @staged
    async def test_pruning_does_not_cut_a_window_short(self, stage: Stage) -> None:
        await stage.enqueue(unique=Unique("key", window=60), keep=1)
        await stage.run()
        stage.clock.advance(30)
        assert await stage.store.prune() == 1
        with pytest.raises(JobExists):
            await stage.enqueue(unique=KEY)
        stage.clock.advance(30)
        assert await stage.store.prune() == 0
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD, State.CANCELLED])
    @staged
    async def test_a_retried_job_takes_its_key_back(self, stage: Stage, state: State) -> None:
        first = await stage.enqueue_ended(state, unique=KEY)
        assert await stage.change("retry", first) == 1
        with pytest.raises(JobExists) as caught:
            await stage.enqueue(unique=KEY)
        assert caught.value.job_id == first
        await stage.run()
        assert await stage.state(await stage.enqueue(unique=KEY)) is State.READY

    @staged
    async def test_a_job_is_not_retried_while_another_holds_its_key(self, stage: Stage) -> None:
        first = await stage.enqueue_ended(State.DEAD, unique=KEY)
        second = await stage.enqueue(unique=KEY)
        assert await stage.change("retry", first) == 0
        assert await stage.state(first) is State.DEAD
        await stage.run()
        assert await stage.change("retry", first, second) == 1
        assert await stage.store.count(Query(states=(State.READY,))) == 1

    @staged
    async def test_a_delayed_job_does_not_run_at_once_while_another_holds_its_key(self, stage: Stage) -> None:
        first = await stage.enqueue(unique=KEY)
        lease = await stage.lease()
        second = await stage.enqueue(unique=Unique("key", on_conflict="replace"))
        assert await stage.settle(lease, snooze_until(stage.now() + 60))
        assert await stage.change("retry", first) == 0
        assert await stage.state(first) is State.SCHEDULED
        await stage.change("cancel", second)
        assert await stage.change("retry", first) == 1
        with pytest.raises(JobExists) as caught:
            await stage.enqueue(unique=KEY)
        assert caught.value.job_id == first
