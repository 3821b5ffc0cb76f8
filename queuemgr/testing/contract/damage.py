"""What the contract says of damage: one value that cannot be read keeps nobody else's job from running.

How the bytes come to be damaged is the business of each store's own suite.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from queuemgr.address import shown_url
from queuemgr.errors import CorruptStore
from queuemgr.job import State
from queuemgr.outcome import Verdict
from queuemgr.store import Query
from queuemgr.ticker import declare, tick_if_due

from .schedules import schedule
from .stage import Cases, Stage, staged

UNDECODABLE = Verdict(State.DEAD, "undecodable", reason="its arguments cannot be read")


class DamageCases(Cases):
    def damage_job(self, url: str, job_id: str) -> None:
        """Break what the store keeps of what was asked."""
        pytest.skip(f"nothing here damages the job {job_id} in {shown_url(url)}")

    def damage_schedule(self, url: str, name: str) -> None:
        """Break what the store keeps of the definition."""
        pytest.skip(f"nothing here damages the schedule {name} in {shown_url(url)}")

    @staged
    async def test_a_damaged_job_ends_among_the_dead_and_the_others_are_leased(self, stage: Stage) -> None:
        first, second = await stage.enqueue_many(2)
        self.damage_job(stage.url, first)
        leases = {lease.id: lease for lease in await stage.claim()}
        assert second in leases
        if first in leases:
            # Without arguments it cannot begin.
            assert leases[first].args == b""
            assert await stage.settle(leases[first], UNDECODABLE)
        assert await stage.state(first) is State.DEAD
        assert await stage.settle(leases[second])

    @staged
    async def test_a_worker_can_leave_though_a_job_of_it_is_damaged(self, stage: Stage) -> None:
        await stage.join()
        first, second = await stage.enqueue_many(2)
        assert len(await stage.claim()) == 2
        self.damage_job(stage.url, first)
        await stage.store.leave("worker")
        assert second in [lease.id for lease in await stage.claim("other")]

    @staged
    async def test_a_damaged_job_of_a_dead_worker_keeps_nobody_from_claiming(self, stage: Stage) -> None:
        mortal = await stage.join_mortal()
        first, second = await stage.enqueue_many(2)
        assert len(await stage.claim("mortal")) == 2
        self.damage_job(stage.url, first)
        mortal.kill()
        await stage.a_death_is_noticed()
        # Each has seen a worker die, so that they come one at a time.
        leased = [lease for worker in ("one", "two") for lease in await stage.claim(worker)]
        assert second in [lease.id for lease in leased]

    @staged
    async def test_a_damaged_job_is_seen_and_can_be_deleted(self, stage: Stage) -> None:
        first, second = await stage.enqueue_many(2)
        self.damage_job(stage.url, first)
        assert {job.id for job in (await stage.store.find(Query())).jobs} == {first, second}
        assert await stage.change("delete", first) == 1
        assert [job.id for job in (await stage.store.find(Query())).jobs] == [second]

    @staged
    async def test_a_schedule_that_cannot_be_read_is_told_by_its_name(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule("broken"), stage.now())
        self.damage_schedule(stage.url, "broken")
        with pytest.raises(CorruptStore, match="schedule 'broken' is damaged"):
            await stage.store.schedules()
        assert await stage.store.remove_schedule("broken")
        assert await stage.store.schedules() == []

    @staged
    async def test_a_schedule_that_cannot_be_read_is_stopped_and_the_others_fire(self, stage: Stage) -> None:
        for name in ("a", "broken", "c"):
            await stage.store.put_schedule(schedule(name), stage.now())
        self.damage_schedule(stage.url, "broken")
        assert await tick_if_due(stage.store, stage.now())
        assert await stage.store.count(Query(queue="nights")) == 2
        assert not await tick_if_due(stage.store, stage.now())
        stage.clock.advance(60)
        assert await tick_if_due(stage.store, stage.now())
        assert await stage.store.count(Query(queue="nights")) == 4

    @staged
    async def test_a_schedule_that_cannot_be_read_may_be_declared_anew(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule("broken"), stage.now())
        self.damage_schedule(stage.url, "broken")
        await declare(stage.store, replace(schedule("broken"), paused=True), stage.now())
        (info,) = await stage.store.schedules()
        assert info.schedule == replace(schedule("broken"), paused=True)
        assert info.next_at is not None
