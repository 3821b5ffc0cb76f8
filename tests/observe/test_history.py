"""What managers write down over time, and what can be read of it later."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App
from queuemgr.errors import ValidationError
from queuemgr.service.observe import history
from queuemgr.service.observe.history import HOURS, MINUTES, TENS
from queuemgr.service.observe.sampler import Sampler
from queuemgr.service.observe.standing import Alerts
from queuemgr.service.operations.history import show_history
from queuemgr.tally import Count
from tests.observe.rig import HOUR, Stage, staged


def test_a_minute_holds_what_ended_in_it_and_what_stands_at_its_end(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        sampler = stage.sampler()
        await stage.enqueue(3, "mail")
        await stage.minute(
            sampler, queue="mail", done=54, failed=6, run=30.0, wait=5.0, waits=10, busy=6.0, memory=1000
        )
        told = (await show_history(stage.client, span=60, points=1))["series"]
        assert told == {
            "queue_length": [3],
            "scheduled": [0],
            "running": [0],
            "dead": [0],
            "oldest_wait": [pytest.approx(64)],
            "processing_rate": [1],
            "failure_rate": [0.1],
            "avg_latency": [0.5],
            "avg_wait": [0.5],
            "worker_utilization": [0.15],
            "workers": [0],
            "memory": [1000],
        }

    staged(tmp_path, scene)


def test_a_queue_is_told_apart_from_the_others(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        sampler = stage.sampler()
        await stage.tell("other", done=60)
        await stage.minute(sampler, queue="mail", done=30, failed=30)
        asked = ("processing_rate", "failure_rate")
        told = await show_history(stage.client, asked, "mail", 60, 1)
        assert told["series"] == {"processing_rate": [1], "failure_rate": [0.5]}
        assert (await show_history(stage.client, asked, None, 60, 1))["series"]["processing_rate"] == [2]

    staged(tmp_path, scene)


def test_managers_that_measure_at_once_count_nothing_twice(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        samplers = [stage.sampler() for _ in range(3)]
        for _ in range(3):
            await stage.tell(done=10)
            stage.clock.advance(65)
            await asyncio.gather(*(sampler.tick() for sampler in samplers))
        newest = await history.get(stage.store, MINUTES, [MINUTES.at(stage.clock.now()) - 1])
        assert newest[0] is not None
        assert newest[0].totals == [("default", "t", Count(done=30))]
        rates = (await show_history(stage.client, ("processing_rate",), span=600, points=10))["series"][
            "processing_rate"
        ]
        assert sum(rate * 60 for rate in rates if rate) == pytest.approx(30)

    staged(tmp_path, scene)


def test_minutes_become_ten_minutes_and_hours(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        sampler = stage.sampler()
        await stage.minute(sampler, 60, done=6)
        ten = (await history.get(stage.store, TENS, [TENS.at(HOUR)]))[0]
        hour = (await history.get(stage.store, HOURS, [HOURS.at(HOUR)]))[0]
        assert ten is not None
        assert hour is not None
        assert (ten.seconds, ten.counts["default"].done) == (600, 60)
        assert (hour.seconds, hour.counts["default"].done) == (3600, 360)

    staged(tmp_path, scene)


def test_old_minutes_go_and_their_hours_stay(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.minute(stage.sampler(), 60, done=6)
        stage.clock.advance(30 * 86400)
        assert (await history.get(stage.store, MINUTES, [MINUTES.at(HOUR)]))[0] is None
        assert (await history.get(stage.store, TENS, [TENS.at(HOUR)]))[0] is None
        told = await show_history(stage.client, ("processing_rate",), span=60 * 86400, points=60)
        assert [rate for rate in told["series"]["processing_rate"] if rate is not None] == [pytest.approx(0.1)]
        stage.clock.advance(61 * 86400)
        assert (await history.get(stage.store, HOURS, [HOURS.at(HOUR)]))[0] is None

    staged(tmp_path, scene)


def test_a_manager_that_was_away_adds_what_workers_told_meanwhile(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.minute(stage.sampler(), done=10)
        for _ in range(4):
            await stage.tell(done=10)
            stage.clock.advance(60)
        await stage.sampler().tick()
        told = await show_history(stage.client, ("processing_rate", "queue_length"), span=300, points=5)
        assert [rate and rate * 60 for rate in told["series"]["processing_rate"]] == [pytest.approx(10)] * 5
        assert told["series"]["queue_length"] == [0, None, None, None, 0]
        newest = await history.get(stage.store, MINUTES, [MINUTES.at(stage.clock.now()) - 1])
        assert newest[0] is not None
        assert newest[0].totals == [("default", "t", Count(done=50))]

    staged(tmp_path, scene)


def test_where_nobody_measured_there_is_nothing_and_not_zero(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        told = await show_history(stage.client, ("queue_length", "failure_rate"), span=600, points=10)
        assert told["series"] == {"queue_length": [None] * 10, "failure_rate": [None] * 10}

    staged(tmp_path, scene)


@pytest.mark.parametrize(
    ("span", "points", "step", "number"),
    [
        (3600, 60, 60, 60),
        (3600, 30, 120, 30),
        (6 * 3600, 60, 360, 60),
        (86400, 144, 600, 144),
        (7 * 86400, 60, 10800, 56),
        (90 * 86400, 90, 86400, 90),
        (90 * 86400, 2200, 3600, 2160),
    ],
)
def test_a_longer_span_is_told_in_longer_steps(
    tmp_path: Path, span: float, points: int, step: float, number: int
) -> None:
    async def scene(stage: Stage) -> None:
        told = await show_history(stage.client, ("dead",), None, span, points)
        assert (told["step"], len(told["series"]["dead"])) == (step, number)
        assert told["start"] + step * number <= stage.clock.now()

    staged(tmp_path, scene)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"metrics": ["queue_lenght"]}, "did you mean 'queue_length'"),
        ({"metrics": ["memory"], "queue": "mail"}, "not for a queue"),
        ({"span": 1}, "from 60 to 34,560,000 seconds back"),
        ({"points": 0}, "1 to 2,200 points"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, asked: dict[str, Any], told: str) -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(ValidationError, match=told):
            await show_history(stage.client, **asked)

    staged(tmp_path, scene)


def test_a_measurement_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        minute = MINUTES.at(stage.clock.now()) - 1
        await stage.store.key_put_if_absent(MINUTES.key(minute), b"{]")
        assert await history.get(stage.store, MINUTES, [minute]) == [None]

    staged(tmp_path, scene)


def test_what_was_read_once_is_not_read_from_the_store_again(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.minute(stage.sampler(), 3, done=6)
        first = await show_history(stage.client, span=180, points=3)
        asked: list[str] = []
        plain = stage.store.key_get

        async def key_get(key: str) -> bytes | None:
            asked.append(key)
            return await plain(key)

        stage.store.key_get = key_get  # type: ignore[method-assign]
        assert await show_history(stage.client, span=180, points=3) == first
        assert asked == []
        await show_history(stage.client, span=240, points=4)
        assert len(asked) == 1

    staged(tmp_path, scene)


def test_hours_become_days(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.minute(stage.sampler(), 60, done=6)
        stage.clock.advance(86400)
        await stage.sampler().tick()
        told = await show_history(stage.client, ("processing_rate",), span=30 * 86400, points=30)
        assert told["step"] == 86400
        assert next(rate for rate in told["series"]["processing_rate"] if rate is not None) == pytest.approx(
            0.1, rel=0.1
        )

    staged(tmp_path, scene)


def test_every_store_keeps_a_history(store_url: str) -> None:
    app = App(store_url)

    async def play() -> None:
        try:
            await app.aio.store.open()
            sampler = Sampler(app.aio, {"dead >= 0": "low"})
            await sampler.tick()
            told = await show_history(app.aio, ("dead",), span=300, points=5)
            assert 0 in told["series"]["dead"]
            assert [one.state for one in (await Alerts(app.aio.store).state()).values()] == ["firing"]
        finally:
            await app.aio.store.close()

    asyncio.run(asyncio.wait_for(play(), 60))


def test_an_hour_that_nobody_finished_is_finished_by_the_next_manager(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.minute(stage.sampler(), 30, done=6)
        stage.clock.advance(8 * 3600)
        await stage.sampler().tick()
        hour = (await history.get(stage.store, HOURS, [HOURS.at(HOUR)]))[0]
        assert hour is not None
        assert hour.counts["default"].done == 180

    staged(tmp_path, scene)
