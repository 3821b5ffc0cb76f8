"""Schedules that fire in a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from queuemgr import App
from queuemgr.errors import ConfigError
from queuemgr.recurrence import Missed
from queuemgr.testing.clock import ManualClock

from .rig import run, until, working


def test_a_declared_schedule_fires_and_the_store_knows_it(app: App) -> None:
    fired: list[int] = []

    @app.task
    async def beat() -> None:
        fired.append(1)

    app.schedule("pulse", "every 0.05s", beat.call())

    async def scene() -> None:
        async with working(app):
            await until(lambda: len(fired) >= 3)
            (info,) = await app.aio.schedules()
            assert (info.schedule.name, info.schedule.missed) == ("pulse", Missed.ONCE)
            assert info.last_job is not None

    run(scene)


def test_two_workers_fire_each_moment_once(app: App) -> None:
    other = App(app.url)
    fired: list[int] = []

    async def beat() -> None:
        fired.append(1)

    for each in (app, other):
        each.schedule("pulse", "every 0.1s", each.task(name="beat")(beat).call(), missed="all")

    async def scene() -> None:
        async with working(app), working(other):
            await until(lambda: len(fired) >= 5)
        moments = [job.created_at for job in (await app.aio.find(limit=1000)).jobs]
        assert len(set(moments)) == len(moments)
        await app.aio.store.close()

    run(scene)


def test_a_schedule_can_be_paused_resumed_run_at_once_and_removed(app: App) -> None:
    @app.task
    async def nightly() -> str:
        return "ran"

    async def scene() -> None:
        await app.aio.schedule("night", "0 3 * * *", nightly.call(), zone="Europe/Berlin")
        assert await app.aio.change_schedule("night", paused=True)
        (info,) = await app.aio.schedules()
        assert info.schedule.paused
        assert await app.aio.change_schedule("night", paused=False)
        async with working(app):
            job_id = await app.aio.run_schedule("night")
            assert job_id is not None
            assert await app.aio.handle(job_id).result(20) == "ran"
        assert await app.aio.remove_schedule("night")
        assert not await app.aio.remove_schedule("night")
        assert await app.aio.run_schedule("night") is None
        await app.aio.store.close()

    run(scene)


def test_declaring_the_same_rule_again_does_not_move_its_next_firing(tmp_path: Path) -> None:
    clock = ManualClock()
    app = App(f"sqlite:///{tmp_path}/jobs.db", clock=clock)

    @app.task
    async def work() -> None: ...

    async def scene() -> None:
        await app.aio.schedule("s", "every 1h", work.call())
        (first,) = await app.aio.schedules()
        clock.advance(3601)  # a rule that is new would fire an hour from here
        await app.aio.schedule("s", "every 1h", work.using(priority=5).call())
        (second,) = await app.aio.schedules()
        assert second.next_at == first.next_at
        assert second.schedule.job.priority == 5
        await app.aio.store.close()

    run(scene)


def test_a_policy_that_is_none_is_refused_and_leaves_the_schedule_as_it_was(app: App) -> None:
    @app.task
    def clean() -> None: ...

    async def scene() -> None:
        await app.aio.schedule("nightly", "@daily", clean.call())
        with pytest.raises(ConfigError, match="unknown policy for missed firings 'al': did you mean 'all'"):
            await app.aio.change_schedule("nightly", missed="al")
        assert await app.aio.change_schedule("nightly", missed="all")
        assert [info.schedule.missed for info in await app.aio.schedules()] == [Missed.ALL]
        with pytest.raises(ConfigError, match="a schedule needs a name of printable characters"):
            await app.aio.schedule("two\nlines", "@daily", clean.call())
        await app.aio.store.close()

    run(scene)
