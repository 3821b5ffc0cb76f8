"""What the contract says of workers that die or leave: their jobs go back, and the guilty job is found."""

from __future__ import annotations

from queuemgr.job import State
from queuemgr.testing.mortal import Mortal

from .stage import Cases, Stage, staged


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
        stage.clock.advance(100 * stage.store.lease)
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
        stage.clock.advance(stage.store.lease - 1)
        assert await stage.claim() == []
        stage.clock.advance(2)
        assert (await stage.lease()).crashes == 1

    @staged
    async def test_a_beat_renews_all_leases_of_a_worker_on_another_machine(self, stage: Stage) -> None:
        await stage.enqueue_many(3)
        await stage.join("far", host="another machine", pid=1, birth=1)
        assert len(await stage.claim("far")) == 3
        for _ in range(4):
            stage.clock.advance(stage.store.lease / 2)
            assert await stage.store.beat("far") == []
            assert await stage.claim() == []
        stage.clock.advance(stage.store.lease + 1)
        assert len(await stage.claim()) == 1

    @staged
    async def test_a_worker_that_was_taken_for_dead_settles_nothing_any_more(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.join("far", host="another machine", pid=1, birth=1)
        stale = await stage.lease("far")
        stage.clock.advance(stage.store.lease + 1)
        await stage.lease()
        assert not await stage.settle(stale, worker="far", result=b"late")
        assert await stage.state(job_id) is State.RUNNING

    @staged
    async def test_a_worker_that_was_taken_for_dead_and_beats_again_is_known_again(self, stage: Stage) -> None:
        await stage.join("far", host="another machine", pid=1, birth=1)
        stage.clock.advance(stage.store.lease + 1)
        await stage.claim()
        await stage.store.beat("far")
        assert [worker.id for worker in await stage.store.workers()] == ["far"]
        await stage.enqueue()
        await stage.lease("far")
        stage.clock.advance(stage.store.lease + 1)
        assert len(await stage.claim()) == 1

    @staged
    async def test_a_clock_that_was_put_back_does_not_keep_a_silent_worker_alive(self, stage: Stage) -> None:
        await stage.enqueue()
        await stage.join("far", host="another machine", pid=1, birth=1)
        await stage.lease("far")
        stage.clock.set(stage.now() - 1000 * stage.store.lease)
        assert await stage.claim() == []
        stage.clock.advance(stage.store.lease + 1)
        assert len(await stage.claim()) == 1

    @staged
    async def test_dead_workers_are_forgotten(self, stage: Stage) -> None:
        mortal = await stage.join_mortal()
        await stage.join("far", host="another machine", pid=1, birth=1)
        await stage.join()
        mortal.kill()
        stage.clock.advance(stage.store.lease + 1)
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
    async def test_a_worker_that_is_said_to_have_died_gives_its_jobs_back_as_interrupted(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.join()
        await stage.claim()
        await stage.store.leave("worker", died=True)
        assert [worker.id for worker in await stage.store.workers()] == []
        (lease,) = await stage.claim("another")
        assert (lease.id, lease.attempt, lease.crashes) == (job_id, 2, 1)
        (attempt,) = (await stage.store.get(job_id)).attempts
        assert (attempt.number, attempt.outcome) == (1, "interrupted")

    @staged
    async def test_a_worker_that_nobody_knows_leaves_and_beats_without_a_trace(self, stage: Stage) -> None:
        await stage.store.leave("nobody", died=True)
        assert await stage.store.beat("nobody") == []
        assert await stage.store.workers() == []

    @staged
    async def test_what_is_said_for_a_process_does_nothing_to_another_that_bears_its_name(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        await stage.join()
        await stage.claim()
        host, pid, birth = (await stage.store.workers())[0].life
        assert await stage.store.beat("worker", "stopping", life=(host, pid, birth + 1)) == []
        await stage.store.leave("worker", died=True, life=(host, pid, birth + 1))
        assert [worker.state for worker in await stage.store.workers()] == ["running"]
        assert await stage.state(job_id) is State.RUNNING
        await stage.store.beat("worker", "stopping", life=(host, pid, birth))
        assert [worker.state for worker in await stage.store.workers()] == ["stopping"]
        await stage.store.leave("worker", died=True, life=(host, pid, birth))
        assert [(lease.id, lease.crashes) for lease in await stage.claim("another")] == [(job_id, 1)]

    @staged
    async def test_a_beat_without_a_state_renews_the_leases_and_leaves_the_state(self, stage: Stage) -> None:
        await stage.join(host="elsewhere")
        await stage.store.beat("worker", "stopping")
        stage.clock.advance(stage.store.lease - 1)
        await stage.store.beat("worker", None)
        stage.clock.advance(stage.store.lease - 1)
        (worker,) = await stage.store.workers()
        assert (worker.alive, worker.state) == (True, "stopping")
        stage.clock.advance(2)
        assert [worker.alive for worker in await stage.store.workers()] == [False]

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
