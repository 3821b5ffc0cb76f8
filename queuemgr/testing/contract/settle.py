"""What the contract says of settling runs: each verdict, the token, the history, and the wish to cancel."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from queuemgr.job import State
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.store import Query

from .stage import CANCELLED, CRASHED, FAILED, GIVEN_BACK, UNKNOWN, Cases, Stage, retry_at, snooze_until, staged

ERROR = {"type": "builtins.ValueError", "message": "Straße 数 'quoted' \"too\"", "traceback": "line\n" * 1000}


class SettleCases(Cases):
    @staged
    async def test_a_result_is_kept_however_the_job_ended(self, stage: Stage) -> None:
        for verdict in (SUCCEEDED, FAILED, CANCELLED):
            job_id = await stage.enqueue()
            await stage.join()
            await stage.run(verdict, result=b"[1]")
            assert await stage.store.result(job_id) == b"[1]"
            assert (await stage.store.get(job_id)).result_size == 3

    @staged
    async def test_a_success_keeps_the_result_and_the_moment(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        stage.clock.advance(5)
        assert await stage.settle(lease, result=b"\0value")
        record = await stage.store.get(job_id)
        assert (record.state, record.finished_at, record.progress) == (State.SUCCEEDED, stage.now(), 100)
        assert (record.result_size, record.error) == (6, None)
        assert await stage.store.result(job_id) == b"\0value"

    @staged
    async def test_a_result_may_be_none_or_large(self, stage: Stage) -> None:
        for result in (None, bytes(5_000_000)):
            job_id = await stage.enqueue()
            await stage.run(result=result)
            assert await stage.store.result(job_id) == result
            size = (await stage.store.get(job_id)).result_size
            assert size == (None if result is None else len(result))

    @staged
    async def test_a_failure_to_be_retried_waits_for_its_moment_and_is_counted(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(retry_at(stage.now() + 30), error=ERROR)
        record = await stage.store.get(job_id)
        assert (record.state, record.run_at, record.failures) == (State.SCHEDULED, stage.now() + 30, 1)
        assert (record.error, record.finished_at, record.worker) == (ERROR, None, None)
        stage.clock.advance(29)
        assert await stage.claim() == []
        stage.clock.advance(1)
        lease = await stage.lease()
        assert (lease.attempt, lease.failures, lease.crashes) == (2, 1, 0)

    @staged
    async def test_a_failure_for_good_is_dead_with_error_and_reason(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(FAILED, error=ERROR)
        record = await stage.store.get(job_id)
        assert (record.state, record.failures, record.finished_at) == (State.DEAD, 1, stage.now())
        assert record.error == {**ERROR, "reason": "all 3 attempts failed"}

    @staged
    async def test_a_snoozed_job_uses_no_attempt_up(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(snooze_until(stage.now() + 30))
        record = await stage.store.get(job_id)
        assert (record.state, record.run_at, record.failures) == (State.SCHEDULED, stage.now() + 30, 0)
        stage.clock.advance(30)
        assert ((await stage.lease()).failures, record.attempts[0].outcome) == (0, "snoozed")

    @staged
    async def test_a_job_given_back_can_be_leased_at_once(self, stage: Stage) -> None:
        await stage.enqueue()
        await stage.run(GIVEN_BACK)
        lease = await stage.lease("another")
        assert (lease.attempt, lease.failures, lease.crashes) == (2, 0, 0)

    @staged
    async def test_a_crash_is_counted_apart_from_failures(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(CRASHED, error={"message": "killed"}, exit_signal="SIGKILL", peak_memory=1 << 40)
        record = await stage.store.get(job_id)
        assert (record.state, record.failures, record.crashes) == (State.READY, 0, 1)
        assert (record.attempts[0].exit_signal, record.attempts[0].peak_memory) == ("SIGKILL", 1 << 40)
        assert (await stage.lease()).crashes == 1

    @staged
    async def test_a_verdict_without_an_error_still_tells_its_reason(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(CANCELLED)
        record = await stage.store.get(job_id)
        assert (record.state, record.error) == (State.CANCELLED, {"message": "cancelled while running"})

    @staged
    async def test_the_history_tells_every_attempt(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        began = stage.now()
        for verdict in (retry_at(began + 1), snooze_until(began + 2), GIVEN_BACK, CRASHED, UNKNOWN, SUCCEEDED):
            lease = await stage.lease()
            stage.clock.advance(1)
            assert await stage.settle(lease, verdict, error=ERROR if verdict.failed else None)
        attempts = (await stage.store.get(job_id)).attempts
        words = ["failed", "snoozed", "given back", "crashed", "unknown task", "succeeded"]
        assert [attempt.outcome for attempt in attempts] == words
        assert [attempt.number for attempt in attempts] == [1, 2, 3, 4, 5, 6]
        assert [attempt.started_at - began for attempt in attempts] == [0, 1, 2, 3, 4, 5]
        assert {(attempt.worker, attempt.duration) for attempt in attempts} == {("worker", 1.0)}
        assert [attempt.error for attempt in attempts if attempt.outcome in ("failed", "succeeded")] == [ERROR, None]

    @pytest.mark.parametrize("verdict", [SUCCEEDED, FAILED], ids=["succeeded", "failed"])
    @staged
    async def test_a_run_began_when_its_worker_says_so_and_not_when_it_was_claimed(
        self, stage: Stage, verdict: Verdict
    ) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        stage.clock.advance(3)
        began = stage.now()
        stage.clock.advance(1)
        assert await stage.settle(replace(lease, started_at=began), verdict)
        record = await stage.store.get(job_id)
        assert (record.started_at, record.finished_at) == (began, began + 1)
        assert [attempt.duration for attempt in record.attempts] == [1.0]

    @staged
    async def test_the_history_tells_the_memory_of_a_success(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(peak_memory=123_456_789)
        (attempt,) = (await stage.store.get(job_id)).attempts
        assert (attempt.outcome, attempt.peak_memory) == ("succeeded", 123_456_789)

    @staged
    async def test_a_job_that_succeeds_at_last_shows_no_error(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(retry_at(stage.now()), error=ERROR)
        await stage.run()
        record = await stage.store.get(job_id)
        assert (record.state, record.error, record.failures) == (State.SUCCEEDED, None, 1)

    @staged
    async def test_what_a_run_says_of_its_end_need_not_be_valid_unicode(self, stage: Stage) -> None:
        for error in (None, {"type": "Wrong", "message": "b\udc80"}):
            job_id = await stage.enqueue()
            await stage.run(Verdict(State.CANCELLED, "cancelled", reason="a\udc80"), error=error)
            record = await stage.store.get(job_id)
            assert record.state is State.CANCELLED
            assert record.error is not None

    @pytest.mark.parametrize("verdict", [SUCCEEDED, FAILED, GIVEN_BACK], ids=lambda verdict: verdict.word)
    @staged
    async def test_a_run_is_settled_once(self, stage: Stage, verdict: Verdict) -> None:
        job_id = await stage.enqueue()
        lease = await stage.run(verdict, result=b"first")
        before = await stage.store.get(job_id)
        assert not await stage.settle(lease, CANCELLED)
        assert await stage.store.get(job_id) == before

    @staged
    async def test_a_token_that_is_not_the_newest_settles_nothing(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        stale = await stage.run(GIVEN_BACK)
        await stage.lease()
        before = await stage.store.get(job_id)
        assert not await stage.settle(stale, result=b"stale")
        assert await stage.store.get(job_id) == before
        assert await stage.store.result(job_id) is None

    @staged
    async def test_the_lease_of_a_deleted_job_does_not_settle_its_successor(self, stage: Stage) -> None:
        first = await stage.enqueue()
        stale = await stage.run(GIVEN_BACK)
        assert await stage.change("delete", first) == 1
        second = await stage.enqueue()
        await stage.lease()
        assert not await stage.settle(stale)
        assert await stage.state(second) is State.RUNNING

    @staged
    async def test_a_worker_does_not_settle_what_is_leased_to_another(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        assert not await stage.settle(lease, worker="another")
        assert await stage.state(job_id) is State.RUNNING

    @staged
    async def test_many_runs_are_settled_at_once_and_each_has_its_own_answer(self, stage: Stage) -> None:
        await stage.enqueue_many(4)
        leases = await stage.claim()
        await stage.settle(leases[1])
        verdicts = (SUCCEEDED, SUCCEEDED, FAILED, retry_at(stage.now() + 60))
        settlements = [stage.settlement(lease, verdict) for lease, verdict in zip(leases, verdicts, strict=True)]
        assert await stage.store.settle(settlements) == [True, False, True, True]
        states = [await stage.state(lease.id) for lease in leases]
        assert states == [State.SUCCEEDED, State.SUCCEEDED, State.DEAD, State.SCHEDULED]

    @staged
    async def test_settling_nothing_is_no_mistake(self, stage: Stage) -> None:
        assert await stage.store.settle([]) == []

    @staged
    async def test_only_the_workers_own_jobs_that_somebody_wants_cancelled_are_told_by_its_beat(
        self, stage: Stage
    ) -> None:
        await stage.join()
        await stage.join("another")
        mine, other = await stage.enqueue(), await stage.enqueue()
        leased = await stage.claim(limit=1), await stage.claim("another", limit=1)
        assert [lease.id for (lease,) in leased] == [mine, other]
        assert await stage.store.beat("worker") == []
        await stage.change("cancel", mine, other)
        assert (await stage.store.beat("worker"), await stage.store.beat("another")) == ([mine], [other])
        assert await stage.settle(leased[0][0], CANCELLED)
        assert await stage.store.beat("worker") == []

    @pytest.mark.parametrize("word", ["failed", "snoozed", "given back", "crashed", "unknown task"])
    @staged
    async def test_a_cancelled_job_does_not_run_again_whatever_its_run_said(self, stage: Stage, word: str) -> None:
        later = stage.now() + 30
        verdicts = (retry_at(later), snooze_until(later), GIVEN_BACK, CRASHED, UNKNOWN)
        job_id = await stage.enqueue()
        lease = await stage.lease()
        assert await stage.change("cancel", job_id) == 1
        assert (await stage.store.get(job_id)).cancel_requested
        assert await stage.settle(lease, next(verdict for verdict in verdicts if verdict.word == word))
        record = await stage.store.get(job_id)
        assert (record.state, record.finished_at) == (State.CANCELLED, stage.now())
        assert record.attempts[0].outcome == word
        stage.clock.advance(60)
        assert await stage.claim() == []

    @pytest.mark.parametrize(("verdict", "state"), [(SUCCEEDED, State.SUCCEEDED), (FAILED, State.DEAD)])
    @staged
    async def test_a_wish_to_cancel_that_comes_too_late_changes_no_end(
        self, stage: Stage, verdict: Verdict, state: State
    ) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.change("cancel", job_id)
        assert await stage.settle(lease, verdict)
        assert await stage.state(job_id) is state

    @staged
    async def test_a_retried_job_no_longer_bears_the_wish_to_cancel_it(self, stage: Stage) -> None:
        await stage.join()
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.change("cancel", job_id)
        await stage.settle(lease, CANCELLED)
        assert await stage.change("retry", job_id) == 1
        await stage.lease()
        assert await stage.store.beat("worker") == []
        assert await stage.store.count(Query(states=(State.RUNNING,))) == 1
