"""What the contract says of leasing jobs: order, shares, due moments, parked jobs. Workers do not die here."""

from __future__ import annotations

import math

import pytest

from queuemgr.job import State
from queuemgr.store import Claim, Query

from .stage import UNKNOWN, Cases, Stage, retry_at, staged


class ClaimCases(Cases):
    @staged
    async def test_higher_priorities_go_first_and_older_jobs_before_younger(self, stage: Stage) -> None:
        priorities = [0, 9, 5, 0, 9, 5, 1]
        ids = [await stage.enqueue(priority=priority) for priority in priorities]
        order = sorted(range(7), key=lambda n: (-priorities[n], n))
        assert [lease.id for lease in await stage.claim()] == [ids[n] for n in order]

    @staged
    async def test_the_order_is_the_same_when_they_are_leased_one_by_one(self, stage: Stage) -> None:
        ids = [await stage.enqueue(priority=priority) for priority in (0, 9, 5, 0, 9)]
        leased = [(await stage.claim(limit=1))[0].id for _ in ids]
        assert leased == [ids[n] for n in (1, 4, 2, 0, 3)]

    @staged
    async def test_the_jobs_of_a_batch_go_in_the_order_of_the_batch(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(300)
        assert [lease.id for lease in await stage.claim(limit=300)] == ids

    @staged
    async def test_a_claim_never_brings_more_than_its_limit(self, stage: Stage) -> None:
        await stage.enqueue_many(10, queue="a")
        await stage.enqueue_many(10, queue="b")
        assert len(await stage.claim(limit=3, queues=["a"])) == 3
        assert len(await stage.claim(limit=3, queues=["a", "b"])) == 3
        assert len(await stage.claim(limit=4, queues=[("a", 3), ("b", 3)])) == 4

    @staged
    async def test_a_job_is_leased_once(self, stage: Stage) -> None:
        await stage.enqueue_many(5)
        assert len(await stage.claim()) == 5
        assert await stage.claim() == []
        assert await stage.claim("another") == []

    @staged
    async def test_only_the_queues_that_were_asked_for_are_leased_from(self, stage: Stage) -> None:
        await stage.enqueue(queue="a")
        wanted = await stage.enqueue(queue="b")
        assert [lease.id for lease in await stage.claim(queues=["b", "none such"])] == [wanted]

    @staged
    async def test_each_queue_gets_its_share_where_all_have_work(self, stage: Stage) -> None:
        for queue in "abc":
            await stage.enqueue_many(10, queue=queue)
        leases = await stage.claim(limit=6, queues=[("c", 3), ("a", 2), ("b", 1)])
        assert sorted(lease.queue for lease in leases) == list("aabccc")

    @staged
    async def test_the_share_of_an_empty_queue_goes_to_those_that_have_work(self, stage: Stage) -> None:
        await stage.enqueue_many(2, queue="a")
        await stage.enqueue_many(10, queue="b")
        leases = await stage.claim(limit=6, queues=[("a", 4), ("b", 2), ("c", 0)])
        assert sorted(lease.queue for lease in leases) == list("aabbbb")

    @staged
    async def test_what_is_left_over_goes_to_the_queues_in_the_order_in_which_they_are_asked(
        self, stage: Stage
    ) -> None:
        for queue in "ab":
            await stage.enqueue_many(10, queue=queue)
        leases = await stage.claim(limit=4, queues=[("none such", 4), ("b", 0), ("a", 0)])
        assert [lease.queue for lease in leases] == ["b"] * 4

    @staged
    async def test_a_lease_bears_all_that_a_run_needs(self, stage: Stage) -> None:
        job = stage.job(at_most_once=True, options={"timeout": 5}, args=b"[[1]]")
        await stage.store.enqueue([job])
        lease = await stage.lease()
        assert (lease.id, lease.task, lease.queue, lease.args) == (job.id, "task", "default", b"[[1]]")
        assert (lease.attempt, lease.failures, lease.crashes) == (1, 0, 0)
        assert (lease.at_most_once, lease.options, lease.started_at) == (True, {"timeout": 5}, stage.now())
        record = await stage.store.get(job.id)
        assert (record.state, record.worker, record.started_at) == (State.RUNNING, "worker", stage.now())

    @staged
    async def test_the_token_grows_with_every_lease(self, stage: Stage) -> None:
        await stage.enqueue()
        for attempt in (1, 2, 3):
            lease = await stage.run(retry_at(stage.now() + 10))
            assert (lease.attempt, lease.failures) == (attempt, attempt - 1)
            stage.clock.advance(10)

    @staged
    async def test_a_paused_queue_is_not_leased_from_until_it_is_resumed(self, stage: Stage) -> None:
        await stage.enqueue(queue="a")
        other = await stage.enqueue(queue="b")
        await stage.store.pause("a")
        await stage.store.pause("a")
        assert [lease.id for lease in await stage.claim(queues=["a", "b"])] == [other]
        assert await stage.claim(queues=[("a", 1), ("b", 5)], limit=6) == []
        await stage.store.resume("a")
        assert len(await stage.claim(queues=["a", "b"])) == 1

    @staged
    async def test_a_pause_lets_running_jobs_end(self, stage: Stage) -> None:
        job_id = await stage.enqueue()
        lease = await stage.lease()
        await stage.store.pause("default")
        assert await stage.settle(lease)
        assert await stage.state(job_id) is State.SUCCEEDED

    @staged
    async def test_a_scheduled_job_is_leased_from_its_exact_moment_on(self, stage: Stage) -> None:
        moment = stage.now() + 60
        job_id = await stage.enqueue(run_at=moment)
        stage.clock.set(math.nextafter(moment, 0))
        assert await stage.claim() == []
        stage.clock.set(moment)
        assert (await stage.lease()).id == job_id

    @staged
    async def test_a_due_job_that_is_leased_late_is_leased_all_the_same(self, stage: Stage) -> None:
        await stage.enqueue(run_at=stage.now() + 60)
        stage.clock.advance(1e9)
        assert len(await stage.claim()) == 1

    @staged
    async def test_more_due_jobs_than_a_claim_takes_become_ready_in_the_end(self, stage: Stage) -> None:
        await stage.enqueue_many(1200, run_at=stage.now() + 60)
        stage.clock.advance(60)
        leased = [lease.id for _ in range(4) for lease in await stage.claim(limit=600)]
        assert len(set(leased)) == len(leased) == 1200

    @staged
    async def test_a_claim_that_wants_no_jobs_makes_due_ones_ready_for_others(self, stage: Stage) -> None:
        job_id = await stage.enqueue(run_at=stage.now() + 60)
        stage.clock.advance(60)
        assert await stage.claim(limit=0, queues=()) == []
        assert await stage.state(job_id) is State.READY

    @staged
    async def test_a_claim_tells_when_the_next_job_is_due(self, stage: Stage) -> None:
        claim = Claim(worker="worker", queues=[("default", 1)], limit=1, tasks=frozenset({"task"}))
        assert (await stage.store.claim(claim)).next_due is None
        for delay in (90, 60, 120):
            await stage.enqueue(run_at=stage.now() + delay)
        assert (await stage.store.claim(claim)).next_due == stage.now() + 60

    @staged
    async def test_a_parked_job_is_leased_only_to_a_worker_that_knows_its_task(self, stage: Stage) -> None:
        job_id = await stage.enqueue("new.task")
        await stage.run(UNKNOWN)
        assert await stage.state(job_id) is State.PARKED
        assert await stage.claim(tasks=["task", "other"]) == []
        await stage.join("newer", tasks=["task", "new.task"])
        (lease,) = await stage.claim("newer", tasks=["task", "new.task"])
        assert (lease.id, lease.attempt, lease.failures) == (job_id, 2, 0)

    @staged
    async def test_a_parked_job_is_not_leased_from_a_paused_queue_or_one_that_was_not_asked_for(
        self, stage: Stage
    ) -> None:
        await stage.enqueue()
        await stage.run(UNKNOWN)
        assert await stage.claim(queues=["other"]) == []
        await stage.store.pause("default")
        assert await stage.claim() == []
        await stage.store.resume("default")
        assert len(await stage.claim()) == 1

    @staged
    async def test_many_parked_jobs_do_not_keep_others_from_being_leased(self, stage: Stage) -> None:
        await stage.enqueue_many(500, "unknown")
        settlements = [stage.settlement(lease, UNKNOWN) for lease in await stage.claim(limit=500)]
        assert all(await stage.store.settle(settlements))
        ids = await stage.enqueue_many(3)
        assert [lease.id for lease in await stage.claim(limit=2)] == ids[:2]
        assert [lease.id for lease in await stage.claim(limit=2)] == ids[2:]

    @staged
    async def test_no_more_parked_jobs_are_leased_than_the_limit(self, stage: Stage) -> None:
        await stage.enqueue_many(5)
        await stage.store.settle([stage.settlement(lease, UNKNOWN) for lease in await stage.claim()])
        assert len(await stage.claim(limit=2)) == 2
        assert await stage.store.count(Query(states=(State.PARKED,))) == 3

    @staged
    async def test_many_parked_jobs_of_a_queue_leave_the_others_their_share(self, stage: Stage) -> None:
        await stage.enqueue_many(20, queue="a")
        await stage.store.settle([stage.settlement(lease, UNKNOWN) for lease in await stage.claim(queues="a")])
        await stage.enqueue_many(20, queue="b")
        leases = await stage.claim(limit=6, queues=[("a", 3), ("b", 3)])
        assert sorted(lease.queue for lease in leases) == list("aaabbb")

    @staged
    async def test_a_claim_of_an_idle_loop_brings_the_same(self, stage: Stage) -> None:
        ids = await stage.enqueue_many(3)
        claim = Claim(worker="worker", queues=[("default", 2)], limit=2, tasks=frozenset(), idle=True)
        assert [lease.id for lease in (await stage.store.claim(claim)).leases] == ids[:2]
        assert [lease.id for lease in (await stage.store.claim(claim)).leases] == ids[2:]

    @pytest.mark.parametrize("state", [State.HELD, State.CANCELLED, State.SUCCEEDED, State.DEAD])
    @staged
    async def test_a_job_that_is_held_or_finished_is_not_leased(self, stage: Stage, state: State) -> None:
        if state is State.HELD:
            await stage.enqueue(held=True)
        else:
            await stage.enqueue_ended(state)
        stage.clock.advance(3600)
        assert await stage.claim() == []
