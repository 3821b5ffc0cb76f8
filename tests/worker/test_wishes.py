"""A worker does what is asked of it from elsewhere: it takes no new jobs, goes on, stops and is not started again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from queuemgr import App, State, wishes
from queuemgr.service.failures import Misused, NotAllowed, NotFound
from queuemgr.service.flatrecord import QUEUE
from queuemgr.service.operations import table
from queuemgr.store import WorkerInfo
from queuemgr.wishes import Wish, wish
from queuemgr.worker import Worker

from .rig import PATIENCE, beside, ended, in_state, run, until, working

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "LOOK", 0.0)
    monkeypatch.setattr("queuemgr.worker.TEND", 0.01)


def test_a_quiet_worker_ends_what_it_runs_and_takes_nothing_new_until_it_is_resumed(app: App) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @app.task
    def waits() -> str:
        begun.set()
        return str(go_on.wait(PATIENCE))

    @app.task
    def follows() -> str:
        return "done"

    async def scene() -> None:
        async with working(app) as worker:
            first = await waits.aenqueue()
            await until(begun.is_set)
            told = await _ask(app, "workers.quiet", worker)
            assert told == {"asked": "quiet", "worker": worker.id, "running": 1}
            await _in_mood(app, worker, "quiet")
            second = await follows.aenqueue()
            go_on.set()
            assert (await ended(app, first.id)).state is State.SUCCEEDED
            assert (await app.aio.get(second.id)).state is State.READY
            await _ask(app, "workers.resume", worker)
            assert (await ended(app, second.id)).state is State.SUCCEEDED
            await _in_mood(app, worker, "running")

    run(scene)


def test_a_worker_of_any_store_is_quiet_goes_on_and_stops(store_url: str) -> None:
    app = App(store_url)

    @app.task
    def add() -> int:
        return 1

    async def scene() -> None:
        worker = app.worker()
        working = asyncio.create_task(worker.run())
        await _listed(app, worker.id)
        await _ask(app, "workers.quiet", worker)
        await _in_mood(app, worker, "quiet")
        handle = await add.aenqueue()
        await _ask(app, "workers.resume", worker)
        assert (await ended(app, handle.id)).state is State.SUCCEEDED
        await _ask(app, "workers.stop", worker)
        assert await working
        assert not await app.aio.workers()
        await app.aio.store.close()

    run(scene)
    app.close()


def test_an_idle_worker_that_becomes_quiet_leaves_the_next_job_to_others(app: App) -> None:
    @app.task
    def add() -> int:
        return 1

    async def scene() -> None:
        async with working(app, id="quiet one") as quiet:
            await _listed(app, "quiet one")
            await _ask(app, "workers.quiet", quiet)
            await _in_mood(app, quiet, "quiet")
            async with beside(app, id="other") as other:
                await _listed(app, "other")
                record = await ended(app, (await add.aenqueue()).id)
                assert record.attempts[0].worker == other.id

    run(scene)


def test_a_quiet_worker_still_looks_after_what_is_due(app: App) -> None:
    @app.task
    def add() -> int:
        return 1

    async def scene() -> None:
        async with working(app) as worker:
            await _listed(app, worker.id)
            await _ask(app, "workers.quiet", worker)
            await _in_mood(app, worker, "quiet")
            handle = await add.using(delay=0.05).aenqueue()
            await in_state(app, handle.id, State.READY)

    run(scene)


def test_a_worker_that_is_told_to_stop_winds_up_and_leaves(app: App) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @app.task
    def waits() -> str:
        begun.set()
        return str(go_on.wait(PATIENCE))

    async def scene() -> None:
        worker = app.worker()
        working = asyncio.create_task(worker.run())
        handle = await waits.aenqueue()
        await until(begun.is_set)
        await _ask(app, "workers.stop", worker)
        await _in_mood(app, worker, "stopping")
        with pytest.raises(NotAllowed, match="stops already"):
            await _ask(app, "workers.quiet", worker)
        go_on.set()
        assert await working
        assert worker.wishes.dismissed
        assert (await app.aio.get(handle.id)).state is State.SUCCEEDED
        assert not await app.aio.workers()
        await app.aio.store.close()

    run(scene)


def test_a_worker_that_stops_can_be_hurried(app: App) -> None:
    begun = threading.Event()

    @app.task
    async def waits() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def scene() -> None:
        worker = app.worker(grace=60)
        working = asyncio.create_task(worker.run())
        handle = await waits.aenqueue()
        await until(begun.is_set)
        await _ask(app, "workers.stop", worker)
        await _in_mood(app, worker, "stopping")
        await _ask(app, "workers.stop", worker, grace=0)
        assert await working
        assert (await app.aio.get(handle.id)).state is State.READY
        await app.aio.store.close()

    run(scene)


def test_the_last_wish_counts_where_several_were_not_read(app: App) -> None:
    async def scene() -> None:
        info = _info("w", os.getpid(), 0)
        await app.aio.store.join(info)
        for what in (Wish.STOP, Wish.QUIET):
            await wish(app.aio.store, info, what)
        value = await app.aio.store.key_get("queuemgr.wish:w")
        assert value is not None
        assert b'"quiet"' in value
        await app.aio.store.close()

    run(scene)


def test_a_wish_for_a_dead_worker_is_not_for_its_namesake(app: App) -> None:
    @app.task
    def add() -> int:
        return 1

    async def scene() -> None:
        await wish(app.aio.store, _info("w", os.getpid() + 1, 7), Wish.QUIET)
        async with working(app, id="w") as worker:
            await ended(app, (await add.aenqueue()).id)
            await _read(app, "w")
            assert not worker.wishes.quiet

    run(scene)


def test_what_cannot_be_read_is_forgotten(app: App) -> None:
    async def scene() -> None:
        await app.aio.store.key_put_if_absent("queuemgr.wish:w", b"{", 60)
        async with working(app, id="w") as worker:
            await _read(app, "w")
            assert not worker.wishes.quiet

    run(scene)


@pytest.mark.parametrize("operation", ["workers.quiet", "workers.resume", "workers.stop"])
def test_who_is_not_there_or_dead_cannot_be_asked(app: App, operation: str) -> None:
    async def scene() -> None:
        with pytest.raises(NotFound, match="no worker 'w'"):
            await table.call(operation, {"worker_id": "w"}, app.aio)
        dead = subprocess.Popen(["/bin/true"])
        dead.wait()
        await app.aio.store.join(_info("gone", dead.pid, 1))
        with pytest.raises((NotAllowed, NotFound), match="gone"):
            await table.call(operation, {"worker_id": "gone"}, app.aio)
        await app.aio.store.close()

    run(scene)


def test_a_worker_can_be_named_by_its_name_where_only_one_has_it(app: App) -> None:
    async def scene() -> None:
        one = replace(_living("a"), name="night")
        await app.aio.store.join(one)
        assert (await table.call("workers.quiet", {"worker_id": "night"}, app.aio))["worker"] == "a"
        await app.aio.store.join(replace(one, id="b"))
        with pytest.raises(NotAllowed, match="2 workers have the name 'night'"):
            await table.call("workers.quiet", {"worker_id": "night"}, app.aio)
        await app.aio.store.close()

    run(scene)


def test_the_services_own_worker_stops_with_the_service_only(app: App) -> None:
    async def scene() -> None:
        await app.aio.store.join(replace(_living("own"), queues=(QUEUE,)))
        with pytest.raises(NotAllowed, match="service's own"):
            await table.call("workers.stop", {"worker_id": "own"}, app.aio)
        assert (await table.call("workers.quiet", {"worker_id": "own"}, app.aio))["asked"] == "quiet"
        await app.aio.store.close()

    run(scene)


@pytest.mark.parametrize("grace", [-1.0, float("nan"), float("inf")])
def test_a_grace_time_is_a_number_of_seconds(app: App, grace: float) -> None:
    async def scene() -> None:
        await app.aio.store.join(_living("w"))
        with pytest.raises(Misused, match="grace"):
            await table.call("workers.stop", {"worker_id": "w", "grace": grace}, app.aio)
        await app.aio.store.close()

    run(scene)


def test_a_supervisor_does_not_start_a_stopped_worker_again_and_ends_with_its_last(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from queuemgr import App\n"
        f"app = App('sqlite:///{tmp_path}/jobs.db')\n"
        "@app.task\n"
        "def add() -> int:\n    return 1\n"
    )
    app = App(f"sqlite:///{tmp_path}/jobs.db")
    command = [sys.executable, "-m", "queuemgr", "worker", "shop:app", "--processes", "2"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    supervisor = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)

    async def scene() -> None:
        first, second = await _all_listed(app, 2)
        await table.call("workers.stop", {"worker_id": first}, app.aio)
        assert await _all_listed(app, 1) == [second]
        await table.call("workers.stop", {"worker_id": second}, app.aio)
        assert await asyncio.to_thread(supervisor.wait, PATIENCE) == 0
        assert not await app.aio.workers()
        await app.aio.store.close()

    try:
        run(scene)
    finally:
        supervisor.kill()
        supervisor.wait()


def test_a_worker_that_had_to_leave_a_job_behind_is_not_started_again_either() -> None:
    code = (
        "from queuemgr.manager.supervisor import LET_GO, Supervisor\n"
        "raise SystemExit(Supervisor(lambda: LET_GO, 2).run())\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=PATIENCE, check=False).returncode == 0


async def _ask(app: App, operation: str, worker: Worker, **more: Any) -> Any:
    return await table.call(operation, {"worker_id": worker.id, **more}, app.aio)


async def _in_mood(app: App, worker: Worker, state: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while [info.state for info in await app.aio.workers() if info.id == worker.id] != [state]:
            await asyncio.sleep(0.005)


async def _listed(app: App, worker: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while worker not in [info.id for info in await app.aio.workers()]:
            await asyncio.sleep(0.005)


async def _all_listed(app: App, number: int) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        while len(infos := [info for info in await app.aio.workers() if info.alive]) != number:
            await asyncio.sleep(0.02)
    return sorted(info.id for info in infos)


async def _read(app: App, worker: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while await app.aio.store.key_get(f"queuemgr.wish:{worker}") is not None:
            await asyncio.sleep(0.005)


def _living(worker: str) -> WorkerInfo:
    from queuemgr.liveness import birth_of

    return _info(worker, os.getpid(), birth_of(os.getpid()) or 0)


def _info(worker: str, pid: int, birth: int) -> WorkerInfo:
    import time

    from queuemgr.liveness import this_host

    return WorkerInfo(id=worker, host=this_host(), pid=pid, birth=birth, started_at=time.time(), beat_at=time.time())
