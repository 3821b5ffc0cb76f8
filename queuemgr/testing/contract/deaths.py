"""What the contract says of workers that die or leave: their jobs go back, and the guilty job is found."""

from __future__ import annotations

import pytest

from queuemgr.job import State
from queuemgr.store import LEASE, Query
from queuemgr.testing.mortal import Mortal

from .stage import CRASHED, Cases, Stage, staged


class DeathCases(Cases):
    @staged
    async def test_the_jobs_of_a_worker_that_was_killed_go_back(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        mortal.kill()
        await stage.a_death_is_noticed()
        lease = await stage.lease()
        assert (lease.id, lease.attempt, lease.failures, lease.crashes) == (job_id, 2, 0, 1)

    @staged
    async def test_the_history_tells_that_the_run_was_interrupted(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        mortal.kill()
        await stage.a_death_is_noticed()
        await stage.claim(limit=0)
        record = await stage.store.get(job_id)
        assert (record.state, record.worker) == (State.READY, None)
        (attempt,) = record.attempts
        assert (attempt.number, attempt.worker, attempt.outcome) == (1, "mortal", "interrupted")
        assert attempt.error is not None
        assert attempt.error["type"] == "queuemgr.errors.Interrupted"
        assert attempt.ended_at == stage.now()

    @staged
    async def test_a_worker_on_this_machine_that_lives_keeps_its_jobs_however_long_it_is_silent(
        self, stage: Stage
    ) -> None:
        job_id = await stage.enqueue()
        await stage.join_mortal()
        lease = await stage.lease("mortal")
        stage.clock.advance(100 * LEASE)
        assert await stage.claim() == []
        assert await stage.settle(lease, worker="mortal")
        assert await stage.state(job_id) is State.SUCCEEDED

    @staged
    async def test_a_process_that_bears_a_dead_workers_number_is_not_taken_for_it(self, stage: Stage) -> None:
        with Mortal() as other:
            await stage.join("gone", pid=other.pid, birth=other.birth - 1)
            await stage.join("here", pid=other.pid, birth=other.birth)
            await stage.a_death_is_noticed()
            await stage.claim()
            await stage.store.prune()
            assert [worker.id for worker in await stage.store.workers()] == ["here"]

    @staged
    async def test_a_worker_that_joins_under_the_name_of_a_dead_one_does_not_hold_its_jobs(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        mortal = await stage.join_mortal("name")
        await stage.lease("name")
        mortal.kill()
        await stage.join("name")
        lease = await stage.lease("name")
        assert (lease.id, lease.attempt, lease.crashes) == (job_id, 2, 1)

    @staged
    async def test_a_worker_that_joins_a_second_time_keeps_its_jobs(self, stage: Stage) -> None:
        await stage.enqueue()
        await stage.join()
        lease = await stage.lease()
        await stage.join()
        assert await stage.settle(lease)

    @staged
    async def test_a_worker_on_another_machine_keeps_its_jobs_for_as_long_as_its_lease(self, stage: Stage) -> None:
        await stage.enqueue()
        await stage.join("far", host="another machine", pid=1, birth=1)
        await stage.lease("far")
        stage.clock.advance(LEASE - 1)
        assert await stage.claim() == []
        stage.clock.advance(2)
        assert (await stage.lease()).crashes == 1

    @staged
    async def test_a_beat_renews_all_leases_of_a_worker_on_another_machine(self, stage: Stage) -> None:
        await stage.enqueue_many(3)
        await stage.join("far", host="another machine", pid=1, birth=1)
        assert len(await stage.claim("far")) == 3
        for _ in range(4):
            stage.clock.advance(LEASE / 2)
            assert await stage.store.beat("far") == []
            assert await stage.claim() == []
        stage.clock.advance(LEASE + 1)
        assert len(await stage.claim()) == 1

    @staged
    async def test_a_worker_that_was_taken_for_dead_settles_nothing_any_more(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.join("far", host="another machine", pid=1, birth=1)
        stale = await stage.lease("far")
        stage.clock.advance(LEASE + 1)
        await stage.lease()
        assert not await stage.settle(stale, worker="far", result=b"late")
        assert await stage.state(job_id) is State.RUNNING

    @staged
    async def test_a_worker_that_was_taken_for_dead_and_beats_again_is_known_again(self, stage: Stage) -> None:
        await stage.join("far", host="another machine", pid=1, birth=1)
        stage.clock.advance(LEASE + 1)
        await stage.claim()
        await stage.store.beat("far")
        assert [worker.id for worker in await stage.store.workers()] == ["far"]
        await stage.enqueue()
        await stage.lease("far")
        stage.clock.advance(LEASE + 1)
        assert len(await stage.claim()) == 1

    @staged
    async def test_dead_workers_are_forgotten(self, stage: Stage) -> None:
        mortal = await stage.join_mortal()
        await stage.join("far", host="another machine", pid=1, birth=1)
        await stage.join()
        mortal.kill()
        stage.clock.advance(LEASE + 1)
        await stage.claim()
        await stage.store.prune()
        assert [worker.id for worker in await stage.store.workers()] == ["worker"]

    @staged
    async def test_a_claim_that_wants_no_jobs_takes_back_those_of_the_dead_for_others(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        mortal.kill()
        await stage.a_death_is_noticed()
        assert await stage.claim(limit=0, queues=()) == []
        assert await stage.state(job_id) is State.READY

    @staged
    async def test_a_job_that_runs_at_most_once_is_dead_when_its_worker_dies(self, stage: Stage) -> None:
        job_id = await stage.enqueue(at_most_once=True)
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        mortal.kill()
        await stage.a_death_is_noticed()
        assert await stage.claim() == []
        record = await stage.store.get(job_id)
        assert (record.state, record.finished_at) == (State.DEAD, stage.now())
        assert record.error is not None
        assert "at most once" in record.error["reason"]

    @staged
    async def test_a_job_that_somebody_wants_cancelled_is_cancelled_when_its_worker_dies(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        mortal = await stage.join_mortal()
        await stage.lease("mortal")
        await stage.change("cancel", job_id)
        mortal.kill()
        await stage.a_death_is_noticed()
        assert await stage.claim() == []
        assert await stage.state(job_id) is State.CANCELLED

    @staged
    async def test_a_worker_that_dies_while_it_stops_blames_no_job(self, stage: Stage) -> None:
        await stage.enqueue_many(2)
        mortal = await stage.join_mortal()
        assert len(await stage.claim("mortal")) == 2
        await stage.store.beat("mortal", "stopping")
        assert [worker.state for worker in await stage.store.workers()] == ["stopping"]
        mortal.kill()
        await stage.a_death_is_noticed()
        assert [lease.crashes for lease in await stage.claim()] == [0, 0]

    @staged
    async def test_a_worker_that_leaves_gives_its_jobs_back_at_once_and_blames_none(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(2)
        await stage.join()
        await stage.claim()
        await stage.store.leave("worker")
        assert await stage.store.workers() == []
        leases = await stage.claim("another")
        assert [(lease.id, lease.attempt, lease.crashes) for lease in leases] == [(ids[0], 2, 0), (ids[1], 2, 0)]
        (attempt,) = (await stage.store.get(ids[0])).attempts
        assert (attempt.number, attempt.outcome) == (1, "given back")

    @staged
    async def test_a_job_that_runs_at_most_once_is_dead_when_its_worker_leaves_it(self, stage: Stage) -> None:
        job_id = await stage.enqueue(at_most_once=True)
        await stage.join()
        await stage.lease()
        await stage.store.leave("worker")
        assert await stage.state(job_id) is State.DEAD

    @staged
    async def test_a_worker_that_leaves_takes_no_other_with_it(self, stage: Stage) -> None:
        await stage.enqueue_many(2)
        await stage.join()
        await stage.join("another")
        kept = (await stage.claim("another", limit=1))[0]
        await stage.claim(limit=1)
        await stage.store.leave("worker")
        assert await stage.settle(kept, worker="another")
        assert [worker.id for worker in await stage.store.workers()] == ["another"]


class SuspectCases(Cases):
    @staged
    async def test_at_most_one_suspect_is_leased_to_a_worker_at_a_time(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(3)
        mortal = await stage.join_mortal()
        await stage.claim("mortal")
        mortal.kill()
        await stage.a_death_is_noticed()
        first = await stage.lease()
        assert await stage.claim() == []
        second = await stage.lease("another")
        assert [first.id, second.id] == ids[:2]
        assert await stage.settle(first)
        assert (await stage.lease()).id == ids[2]

    @staged
    async def test_other_jobs_flow_beside_a_suspect(self, stage: Stage) -> None:
        suspects = await stage.enqueue_many(2)
        for lease in await stage.claim():
            await stage.settle(lease, CRASHED)
        others = await stage.enqueue_many(5)
        assert {lease.id for lease in await stage.claim()} == {suspects[0], *others}

    @staged
    async def test_only_the_suspect_is_blamed_when_its_worker_dies(self, stage: Stage) -> None:
        suspect = await stage.enqueue()
        await stage.run(CRASHED)
        innocent = await stage.enqueue_many(3)
        mortal = await stage.join_mortal()
        assert len(await stage.claim("mortal")) == 4
        mortal.kill()
        await stage.a_death_is_noticed()
        crashes = {lease.id: lease.crashes for lease in await stage.claim()}
        assert crashes == {suspect: 2, **dict.fromkeys(innocent, 0)}

    @pytest.mark.parametrize("budget", [1, 2, 3])
    @staged
    async def test_a_job_is_quarantined_when_its_crash_budget_is_used_up(self, stage: Stage, budget: int) -> None:
        job_id = await stage.enqueue(crash_budget=budget)
        for number in range(budget):
            mortal = await stage.join_mortal(f"mortal {number}")
            await stage.lease(f"mortal {number}")
            mortal.kill()
            await stage.a_death_is_noticed()
        assert await stage.claim() == []
        record = await stage.store.get(job_id)
        assert (record.state, record.crashes) == (State.DEAD, budget)
        assert record.error is not None
        assert record.error["reason"].startswith("quarantined")

    @staged
    async def test_a_retry_by_hand_clears_a_jobs_name(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.run(CRASHED)
        await stage.change("cancel", job_id)
        assert await stage.change("retry", job_id) == 1
        assert (await stage.store.get(job_id)).crashes == 0

    @staged
    async def test_suspects_wait_like_others_for_their_queue(self, stage: Stage) -> None:
        await stage.enqueue()
        await stage.run(CRASHED)
        assert await stage.claim(queues=["other"]) == []
        await stage.store.pause("default")
        assert await stage.claim() == []
        await stage.store.resume("default")
        assert len(await stage.claim()) == 1

    @staged
    async def test_the_one_job_that_kills_its_workers_is_found_among_many(self, stage: Stage) -> None:
        guilty = (await stage.enqueue_many(8))[3]
        deaths = 0
        for number in range(50):
            mortal = await stage.join_mortal(f"mortal {number}")
            while leases := await stage.claim(f"mortal {number}"):
                if any(lease.id == guilty for lease in leases):
                    mortal.kill()
                    deaths += 1
                    break
                for lease in leases:
                    assert await stage.settle(lease, worker=f"mortal {number}")
            else:
                break
            await stage.a_death_is_noticed()
        jobs = (await stage.store.find(Query())).jobs
        assert deaths == 3
        assert [job.id for job in jobs if job.state is State.DEAD] == [guilty]
        assert [job.state for job in jobs].count(State.SUCCEEDED) == 7
        assert max(job.crashes for job in jobs if job.id != guilty) == 1
