"""What the contract says of abilities: what is declared works, and what is not is refused with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from queuemgr.dialect import Ability
from queuemgr.errors import JobExists, Unsupported
from queuemgr.job import Job, State, Unique, new_id
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.store import Query
from queuemgr.testing.contract.stage import FAILED, Stage, staged

from .setting import DialectCases

if TYPE_CHECKING:
    from queuemgr.dialect import Dialect


async def _delays(stage: Stage, task: str) -> None:
    job_id = await stage.enqueue(task, delay=60)
    assert await stage.claim(tasks=[task]) == []
    stage.clock.advance(60)
    assert (await stage.lease(tasks=[task])).id == job_id


async def _priorities(stage: Stage, task: str) -> None:
    low, high = [await stage.enqueue(task, priority=priority) for priority in (0, 8)]
    assert await stage.store.prioritise(Query(ids=(low,)), 9) == 1
    assert [lease.id for lease in await stage.claim(tasks=[task])] == [low, high]


async def _unique(stage: Stage, task: str) -> None:
    first = await stage.enqueue(task, unique=Unique("key"))
    with pytest.raises(JobExists, match=first):
        await stage.enqueue(task, unique=Unique("key"))
    (again,) = await stage.store.enqueue([stage.job(task, unique=Unique("key", on_conflict="existing"))])
    assert (again.id, again.existing) == (first, True)
    assert await stage.settle(await stage.lease(tasks=[task]))
    await stage.enqueue(task, unique=Unique("key"))


async def _replacing(stage: Stage, task: str) -> None:
    first = await stage.enqueue(task, unique=Unique("key"))
    (second,) = await stage.store.enqueue([stage.job(task, unique=Unique("key", on_conflict="replace"))])
    assert second.replaced == first


async def _at_most_once(stage: Stage, task: str) -> None:
    await stage.enqueue(task, at_most_once=True)
    mortal = await stage.join_mortal()
    assert (await stage.lease("mortal", tasks=[task])).at_most_once
    mortal.kill()
    await stage.a_death_is_noticed()
    assert await stage.claim(tasks=[task]) == []


async def _holding(stage: Stage, task: str) -> None:
    job_id = await stage.enqueue(task, held=True)
    assert await stage.claim(tasks=[task]) == []
    assert await stage.change("release", job_id) == 1
    assert (await stage.lease(tasks=[task])).id == job_id


async def _cancelling(stage: Stage, task: str) -> None:
    job_id = await stage.enqueue(task)
    assert await stage.change("cancel", job_id) == 1
    assert await stage.claim(tasks=[task]) == []


async def _retrying(stage: Stage, task: str) -> None:
    job_id = await stage.enqueue(task)
    assert await stage.settle(await stage.lease(tasks=[task]), FAILED)
    assert await stage.change("retry", job_id) == 1
    assert (await stage.lease(tasks=[task])).failures == 0


async def _deleting(stage: Stage, task: str) -> None:
    job_id = await stage.enqueue(task)
    assert await stage.change("delete", job_id) == 1
    assert await stage.store.count(Query()) == 0


async def _pausing(stage: Stage, task: str) -> None:
    await stage.enqueue(task)
    await stage.store.pause("default")
    assert await stage.claim(tasks=[task]) == []
    await stage.store.resume("default")
    assert len(await stage.claim(tasks=[task])) == 1


async def _limits(stage: Stage, task: str) -> None:
    await stage.enqueue_many(2, task)
    await stage.store.limit("default", 1)
    assert len(await stage.claim(tasks=[task])) == 1
    await stage.store.limit("default", None)
    assert len(await stage.claim(tasks=[task])) == 1


async def _results(stage: Stage, task: str) -> None:
    job_id = await stage.enqueue(task)
    assert await stage.settle(await stage.lease(tasks=[task]), result=b"1")
    assert await stage.store.result(job_id) == b"1"


async def _ends(stage: Stage, task: str) -> None:
    job_id = await stage.enqueue(task)
    assert await stage.settle(await stage.lease(tasks=[task]))
    assert await stage.store.wait_finished(job_id, 5.0) is State.SUCCEEDED


async def _output(stage: Stage, task: str) -> None:
    assert await stage.store.output(await stage.enqueue(task)) == []


async def _schedules(stage: Stage, task: str) -> None:
    job = Job(id=new_id(), task=task, args=b"[[]]")
    await stage.store.put_schedule(Schedule(name="nightly", rule=Every(60.0), job=job), stage.now() + 60)
    assert [info.schedule.name for info in await stage.store.schedules()] == ["nightly"]


async def _keys(stage: Stage, _: str) -> None:
    assert await stage.store.key_put_if_absent("key", b"mine")
    assert not await stage.store.key_put_if_absent("key", b"yours")
    assert await stage.store.key_get("key") == b"mine"
    assert not await stage.store.key_remove_if("key", b"yours")
    assert await stage.store.key_remove_if("key", b"mine")
    assert [await stage.store.key_add("sum", 2) for _ in range(2)] == [2, 4]


async def _copying(stage: Stage, task: str) -> None:
    await stage.enqueue(task)
    assert len((await stage.store.dump(None, 10))[0]) == 1


ASK = {
    Ability.DELAYS: _delays,
    Ability.PRIORITIES: _priorities,
    Ability.UNIQUE: _unique,
    Ability.REPLACING: _replacing,
    Ability.AT_MOST_ONCE: _at_most_once,
    Ability.HOLDING: _holding,
    Ability.CANCELLING: _cancelling,
    Ability.RETRYING: _retrying,
    Ability.DELETING: _deleting,
    Ability.PAUSING: _pausing,
    Ability.LIMITS: _limits,
    Ability.RESULTS: _results,
    Ability.ENDS: _ends,
    Ability.OUTPUT: _output,
    Ability.SCHEDULES: _schedules,
    Ability.KEYS: _keys,
    Ability.COPYING: _copying,
}


class PromiseCases(DialectCases):
    @pytest.mark.parametrize("ability", list(Ability), ids=lambda ability: ability.name.lower())
    @staged
    async def test_what_is_declared_works_and_what_is_not_is_refused(
        self, stage: Stage, dialect: Dialect[bytes], ability: Ability
    ) -> None:
        if ability in dialect.abilities:
            await ASK[ability](stage, self.task)
            return
        with pytest.raises(Unsupported) as refusal:
            await ASK[ability](stage, self.task)
        # What is the matter; what to do instead.
        matter, _, way_out = str(refusal.value).partition("; ")
        assert len(matter) > 20
        assert len(way_out) > 10

    @staged
    async def test_without_priorities_no_job_gets_another_one(self, stage: Stage, dialect: Dialect[bytes]) -> None:
        if Ability.PRIORITIES in dialect.abilities:
            pytest.skip("it has priorities")
        job_id = await stage.enqueue(self.task)
        with pytest.raises(Unsupported, match="; "):
            await stage.store.prioritise(Query(ids=(job_id,)), 5)
        assert (await stage.store.get(job_id)).priority == 0
