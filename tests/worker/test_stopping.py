"""How a worker stops, and how it bears a store that is away for a while."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from queuemgr import App, State, current_job, stopping
from queuemgr import worker as worker_module
from queuemgr.errors import StoreUnavailable
from queuemgr.stopping import Stopping
from queuemgr.testing.clock import ManualClock

from .rig import beside, ended, run, until, working


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_a_stop_lets_running_jobs_end(app: App, executor: str) -> None:
    begun = threading.Event()

    async def naps() -> str:
        begun.set()
        while not current_job().stopping:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        return "done"

    def dozes() -> str:
        begun.set()
        while not current_job().stopping:
            time.sleep(0.005)
        time.sleep(0.1)
        return "done"

    task = app.task(executor=executor)(naps if executor == "async" else dozes)

    async def scene() -> None:
        async with working(app):
            handle = await task.aenqueue()
            await until(begun.is_set)
        record = await app.aio.get(handle.id)
        assert record.state is State.SUCCEEDED
        assert not await app.aio.workers()
        await app.aio.store.close()

    run(scene)


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_what_does_not_end_in_time_is_given_back_without_using_up_an_attempt(app: App, executor: str) -> None:
    begun = threading.Event()

    async def waits() -> None:
        begun.set()
        await asyncio.sleep(60)

    def spins() -> None:
        begun.set()
        while True:
            time.sleep(0.001)

    task = app.task(executor=executor, attempts=1)(waits if executor == "async" else spins)

    async def scene() -> None:
        async with working(app, grace=0.05):
            handle = await task.aenqueue()
            await until(begun.is_set)
        record = await app.aio.get(handle.id)
        assert (record.state, record.failures, record.crashes) == (State.READY, 0, 0)
        assert [attempt.outcome for attempt in record.attempts] == ["given back"]
        await app.aio.store.close()

    run(scene)


def test_a_job_can_see_that_its_worker_stops(app: App) -> None:
    begun = threading.Event()

    @app.task
    def patient() -> str:
        begun.set()
        while not current_job().stopping:
            time.sleep(0.001)
        return "in good order"

    async def scene() -> None:
        async with working(app):
            handle = await patient.aenqueue()
            await until(begun.is_set)
        assert await handle.result(20) == "in good order"
        await app.aio.store.close()

    run(scene)


def test_a_stopping_worker_takes_no_more_jobs(app: App) -> None:
    begun = threading.Event()

    @app.task
    async def naps() -> None:
        begun.set()
        while not current_job().stopping:
            await asyncio.sleep(0.005)

    async def scene() -> None:
        await app.aio.enqueue_many([naps.call() for _ in range(5)])
        async with working(app, concurrency=1) as worker:
            await until(begun.is_set)
            worker.stop()
        found = await app.aio.find()
        assert sorted(job.state.word for job in found.jobs) == ["ready"] * 4 + ["succeeded"]
        await app.aio.store.close()

    run(scene)


def test_settlements_wait_until_the_store_is_there_again(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    @app.task
    async def work() -> str:
        runs.append(1)
        return "kept"

    async def scene() -> None:
        store = app.aio.store
        real, refusals = store.settle, [3]

        async def settle(settlements: object) -> object:
            if refusals[0]:
                refusals[0] -= 1
                raise StoreUnavailable("the disk is full")
            return await real(settlements)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "settle", settle)
        async with working(app):
            assert await (await work.aenqueue()).result(20) == "kept"
        assert len(runs) == 1

    run(scene)


def test_claims_go_on_when_the_store_is_there_again(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.task
    async def work() -> None: ...

    async def scene() -> None:
        store = app.aio.store
        real, refusals = store.claim, [2]

        async def claim(wish: object) -> object:
            if refusals[0]:
                refusals[0] -= 1
                raise StoreUnavailable("locked")
            return await real(wish)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "claim", claim)
        async with working(app):
            assert (await ended(app, (await work.aenqueue()).id)).state is State.SUCCEEDED

    run(scene)


def test_a_store_that_is_away_does_not_keep_a_hurried_worker(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @app.task
    async def work() -> None: ...

    async def scene() -> None:
        tries = asyncio.Event()

        async def settle(_settlements: object) -> object:
            tries.set()
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(stopping, "HURRIED_GRACE", 0.05)
        monkeypatch.setattr(app.aio.store, "settle", settle)
        async with beside(app) as worker:
            handle = await work.aenqueue()
            await tries.wait()
            worker.stop(0)
        assert "they run again" in caplog.text
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "queuemgr settle"]
        monkeypatch.undo()
        # What the store does once it finds the worker gone.
        await app.aio.store.leave(worker.id)
        async with working(app):
            record = await ended(app, handle.id)
        assert (record.state, [run.outcome for run in record.attempts]) == (
            State.SUCCEEDED,
            ["given back", "succeeded"],
        )

    run(scene)


def test_a_second_stop_can_only_hurry() -> None:
    clock = ManualClock()
    stop = Stopping(clock, asyncio.Event())
    stop.ask(0)
    clock.advance(0.1)
    stop.ask(30)
    assert stop.hurried
    assert not asyncio.run(stop.in_time(lambda: False))


def test_a_worker_waits_for_ever_unless_it_is_asked_to_stop() -> None:
    async def scene() -> bool:
        progress, over = asyncio.Event(), False
        waiting = asyncio.create_task(Stopping(ManualClock(), progress).in_time(lambda: over))
        for _ in range(3):
            await asyncio.sleep(0)
            progress.set()
        assert not waiting.done()
        over = True
        progress.set()
        return await waiting

    assert asyncio.run(scene())


def test_a_worker_looks_after_its_jobs_again_after_whatever_went_wrong(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        real, beats = app.aio.store.beat, []

        async def beat(worker: str, state: str | None) -> object:
            beats.append(state)
            if len(beats) == 1:
                raise ValueError("nobody expects it")
            return await real(worker, state)

        monkeypatch.setattr(app.aio.store, "beat", beat)
        monkeypatch.setattr(worker_module, "TEND", 0.01)
        async with working(app):
            await until(lambda: len(beats) > 2)
        assert "nobody expects it" in caplog.text

    run(scene)
