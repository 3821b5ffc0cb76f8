"""A schedule that cannot be read is stopped, and one that cannot fire waits for its next time: the others go on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from queuemgr import App, ticker
from queuemgr.errors import CorruptStore, StoreError, StoreUnavailable
from queuemgr.job import Job, new_id
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore
from queuemgr.testing.clock import ManualClock
from queuemgr.ticker import tick_if_due

from .rig import run, until, working


class Refusing(SqliteStore):
    """Refuses to fire the schedule `bad`, in this way."""

    error: StoreError

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        if name == "bad" and jobs:
            raise self.error
        return await super().fire(name, due, next_at, jobs)


@pytest.fixture
def store(tmp_path: Path) -> Refusing:
    return Refusing(f"sqlite:///{tmp_path}/jobs.db", ManualClock())


async def put(store: Refusing, *names: str) -> None:
    for name in names:
        job = Job(id="", task="report", args=b"[[]]")
        await store.put_schedule(Schedule(name=name, rule=Every(60.0), job=job), store.clock.now())


def test_a_firing_whose_job_is_refused_is_passed_by_and_the_others_fire(
    store: Refusing, caplog: pytest.LogCaptureFixture
) -> None:
    store.error = StoreError("no such job can be written down")

    async def main() -> None:
        await put(store, "a", "bad", "c")
        assert await tick_if_due(store, store.clock.now())
        nexts = {info.next_at for info in await store.schedules()}
        assert len(nexts) == 1
        assert store.clock.now() < (nexts.pop() or 0) <= store.clock.now() + 60
        assert await store.count(Query()) == 2
        await store.close()

    asyncio.run(main())
    assert "the schedule bad could not fire, which it passes by: no such job can be written down" in caplog.text


def test_a_store_that_fires_nothing_for_now_is_asked_again_a_moment_later(
    store: Refusing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []

    async def sleep(pause: float) -> None:
        pauses.append(pause)

    store.error = StoreUnavailable("the disk is full")
    monkeypatch.setattr(asyncio, "sleep", sleep)

    async def main() -> None:
        await put(store, "bad")
        assert not await tick_if_due(store, store.clock.now())
        (info,) = await store.schedules()
        assert info.next_at == store.clock.now()
        await store.close()

    asyncio.run(main())
    assert pauses == [ticker.TROUBLE]
    assert "no schedules can be fired" in caplog.text
    assert "the disk is full" in caplog.text


def test_a_schedule_that_cannot_be_read_does_not_slow_a_worker_down(
    app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[int] = []

    @app.task
    async def step(number: int) -> None:
        ran.append(number)
        if number:
            await step.aenqueue(number - 1)

    async def scene() -> None:
        job = Job(id=new_id(), task="report", args=b"[[]]")
        await app.aio.store.put_schedule(Schedule(name="newer", rule=Every(60.0), job=job), 1.0)
        path = app.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("""UPDATE queuemgr_schedules SET definition = '{"kind": "moon"}'""")
        async with working(app, concurrency=1):
            await step.aenqueue(30)
            # Each job is the next claim's: were claims to pause, this would take longer than `until` waits.
            await until(lambda: len(ran) == 31)
        with pytest.raises(CorruptStore, match="newer"):
            await app.aio.schedules()

    run(scene)
    assert caplog.text.count("the schedule newer cannot be read and is stopped") == 1
    assert "no jobs can be claimed" not in caplog.text
