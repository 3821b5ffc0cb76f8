"""What the contract says of jobs that bring their workers down: how the guilty one is found, and what becomes of it."""

from __future__ import annotations

import pytest

from queuemgr.job import State
from queuemgr.store import Query

from .stage import CRASHED, UNKNOWN, Cases, Stage, staged


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
    async def test_at_most_one_suspect_is_leased_at_a_time_though_they_were_parked_meanwhile(
        self, stage: Stage
    ) -> None:
        await stage.enqueue_many(3)
        for lease in await stage.claim():
            await stage.settle(lease, CRASHED)
        for worker, lease in [(worker, await stage.lease(worker)) for worker in ("a", "b", "c")]:
            await stage.settle(lease, UNKNOWN, worker=worker)
        first = await stage.lease()
        assert await stage.claim() == []
        assert await stage.settle(first)
        assert (await stage.lease()).crashes == 1

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
