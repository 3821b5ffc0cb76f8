"""What the contract says of schedules: they are kept, and each firing happens once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from queuemgr.job import Job, State, Unique
from queuemgr.recurrence import Cron, Every, Missed
from queuemgr.schedule import Schedule
from queuemgr.store import Claim, Query

from .stage import Cases, Stage, staged

PATTERN = Job(id="", task="report", args=b"[[1]]", queue="nights", priority=3, tags=("t",), options={"attempts": 1})


def pattern(**fields: object) -> Job:
    return msgspec.structs.replace(PATTERN, **fields)


def schedule(name: str = "nightly", **fields: object) -> Schedule:
    return replace(Schedule(name=name, rule=Every(60.0), job=PATTERN), **fields)  # type: ignore[arg-type]


class ScheduleCases(Cases):
    @pytest.mark.parametrize(
        "one",
        [
            schedule(rule=Cron("0 3 * * 1-5", "Europe/Berlin")),
            schedule(rule=Every(0.5, anchor=12.25), missed=Missed.ALL, paused=True),
            schedule("nächtlich 数 🎈", missed=Missed.SKIP),
            schedule(job=pattern(unique=Unique("key", 60.0, "existing"), args=bytes(range(256)))),
        ],
        ids=["cron", "every", "unicode", "job"],
    )
    @staged
    async def test_a_schedule_is_kept_as_it_was_put(self, stage: Stage, one: Schedule) -> None:
        await stage.store.put_schedule(one, stage.now() + 60)
        (info,) = await stage.store.schedules()
        assert info.schedule == one
        assert (info.next_at, info.last_at, info.last_job) == (stage.now() + 60, None, None)

    @staged
    async def test_a_schedule_put_again_is_replaced(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule(), 100.0)
        await stage.store.put_schedule(schedule(paused=True), None)
        (info,) = await stage.store.schedules()
        assert (info.schedule.paused, info.next_at) == (True, None)

    @staged
    async def test_schedules_stand_in_the_order_of_their_names(self, stage: Stage) -> None:
        for name in ("c", "a", "b"):
            await stage.store.put_schedule(schedule(name), None)
        assert [info.schedule.name for info in await stage.store.schedules()] == ["a", "b", "c"]

    @staged
    async def test_a_schedule_is_removed_once(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule(), 100.0)
        assert await stage.store.remove_schedule("nightly")
        assert not await stage.store.remove_schedule("nightly")
        assert await stage.store.schedules() == []

    @staged
    async def test_a_firing_enqueues_its_jobs_and_moves_the_schedule_on(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule(), 100.0)
        jobs = [schedule().job_at(moment) for moment in (100.0, 160.0)]
        assert await stage.store.fire("nightly", 100.0, 220.0, jobs)
        (info,) = await stage.store.schedules()
        assert (info.next_at, info.last_at, info.last_job) == (220.0, 100.0, jobs[-1].id)
        found = (await stage.store.find(Query(queue="nights", states=(State.READY,)))).jobs
        assert [(job.id, job.created_at) for job in found] == [(jobs[1].id, 160.0), (jobs[0].id, 100.0)]

    @pytest.mark.parametrize(("name", "due"), [("nightly", 99.0), ("nightly", 101.0), ("none such", 100.0)])
    @staged
    async def test_a_schedule_that_stands_elsewhere_does_not_fire(self, stage: Stage, name: str, due: float) -> None:
        await stage.store.put_schedule(schedule(), 100.0)
        before = await stage.store.schedules()
        assert not await stage.store.fire(name, due, 160.0, [schedule().job_at(100.0)])
        assert await stage.store.schedules() == before
        assert await stage.store.count(Query()) == 0

    @staged
    async def test_a_firing_happens_once_however_many_try(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule(), 100.0)
        stores = [stage.store, await stage.another_store(), await stage.another_store()]
        tries = (store.fire("nightly", 100.0, 160.0, [schedule().job_at(100.0)]) for store in stores for _ in range(5))
        assert sum(await asyncio.gather(*tries)) == 1
        assert await stage.store.count(Query()) == 1

    @staged
    async def test_a_firing_may_be_the_last_and_may_enqueue_nothing(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule(), 100.0)
        assert await stage.store.fire("nightly", 100.0, None, [])
        assert not await stage.store.fire("nightly", 100.0, None, [])
        (info,) = await stage.store.schedules()
        assert (info.next_at, info.last_at, info.last_job) == (None, 100.0, None)

    @staged
    async def test_a_schedule_put_again_remembers_its_last_firing(self, stage: Stage) -> None:
        await stage.store.put_schedule(schedule(), 100.0)
        job = schedule().job_at(100.0)
        await stage.store.fire("nightly", 100.0, 160.0, [job])
        await stage.store.put_schedule(schedule(rule=Every(30.0)), 130.0)
        (info,) = await stage.store.schedules()
        assert (info.last_at, info.last_job) == (100.0, job.id)

    @pytest.mark.parametrize("on_conflict", ["reject", "existing"])
    @staged
    async def test_a_firing_whose_unique_key_is_taken_is_passed_by(self, stage: Stage, on_conflict: str) -> None:
        one = schedule(job=pattern(unique=Unique("key", on_conflict=on_conflict)))
        await stage.store.put_schedule(one, 100.0)
        first = one.job_at(100.0)
        assert await stage.store.fire("nightly", 100.0, 160.0, [first])
        assert await stage.store.fire("nightly", 160.0, 220.0, [one.job_at(160.0)])
        (info,) = await stage.store.schedules()
        assert (info.next_at, info.last_at, info.last_job) == (220.0, 160.0, first.id)
        assert await stage.store.count(Query()) == 1

    @staged
    async def test_a_claim_tells_when_the_next_schedule_is_due(self, stage: Stage) -> None:
        claim = Claim(worker="worker", queues=[("default", 1)], limit=1, tasks=frozenset())
        await stage.store.put_schedule(schedule("never"), None)
        assert (await stage.store.claim(claim)).next_due is None
        await stage.store.put_schedule(schedule("later"), stage.now() + 90)
        await stage.store.put_schedule(schedule("sooner"), stage.now() + 60)
        assert (await stage.store.claim(claim)).next_due == stage.now() + 60
        await stage.enqueue(run_at=stage.now() + 30)
        assert (await stage.store.claim(claim)).next_due == stage.now() + 30
