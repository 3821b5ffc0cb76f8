"""How often somebody looks who waits: what others have to do is no reason to look again."""

from __future__ import annotations

import asyncio
import time

import pytest

from queuemgr.job import State
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.stores.postgres.statements import Question
from queuemgr.stores.postgres.store import PostgresStore
from queuemgr.stores.postgres.waiting import LATER
from queuemgr.stores.postgres.wire import Wire
from tests.postgres.rig import make_job


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moments of all looks."""
    moments: list[float] = []
    ask = Wire.ask

    async def noted(wire: Wire, question: Question) -> bytes | None:
        if question.name == "look":
            moments.append(time.monotonic())
        return await ask(wire, question)

    monkeypatch.setattr(Wire, "ask", noted)
    return moments


@pytest.mark.parametrize("overdue", ["job", "schedule"])
def test_who_waits_for_an_end_does_not_look_more_often_because_something_is_overdue(
    store: PostgresStore, looks: list[float], overdue: str
) -> None:
    async def main() -> None:
        await store.open()
        now = time.time()
        job = make_job(run_at=now + 0.3) if overdue == "job" else make_job()
        await store.enqueue([job])
        assert (await store.get(job.id)).state is (State.SCHEDULED if overdue == "job" else State.READY)
        if overdue == "schedule":
            await store.put_schedule(Schedule(name="minutely", rule=Every(60.0), job=make_job()), now - 60)
        assert await store.wait_finished(job.id, 0.9) is None
        await store.close()

    asyncio.run(main())
    # One at once, those for whom we came too late, and at most the next one in a second.
    assert 1 <= len(looks) <= 2 + len(LATER)


def test_who_waits_for_work_looks_at_the_moment_in_which_it_is_due(store: PostgresStore, looks: list[float]) -> None:
    async def main() -> None:
        moment = time.time() + 0.3
        await store.enqueue([make_job(run_at=moment)])
        began = time.monotonic()
        await store.wait(["default"], 10)
        assert time.monotonic() - began < 0.9
        await store.close()

    asyncio.run(main())
    assert looks
