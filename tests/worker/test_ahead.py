"""Jobs that a worker has claimed ahead of its slots, on real stores: when they begin, and how they go back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from queuemgr import App, State, current_job, hand
from queuemgr.hand import Hand
from queuemgr.job import JobRecord
from queuemgr.loop import new_loop
from queuemgr.outcome import Verdict
from queuemgr.store import Claim, Claimed, Settlement, WorkerInfo
from queuemgr.testing.history import problems_of, words_of
from queuemgr.wishes import Wish, wish
from queuemgr.worker import Worker
from tests.pace import quickest

from .rig import beside, drain, ended, in_state, run, until

STORES = pytest.mark.parametrize("store_url", ["sqlite", "redis", "postgres"], indirect=True)
EVER = 1e9


@pytest.fixture
def five_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes all jobs for short ones, so that a single long one shows what that leads to."""
    monkeypatch.setattr(Hand, "_ahead", lambda self: 5)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand, "PATIENCE", EVER)


class Scene:
    """An app with a task that waits for its turn to end, and what has begun."""

    def __init__(self, url: str) -> None:
        self.app = App(url)
        self.begun: list[int] = []
        self.course: list[str] = []
        self.attempts: list[int] = []
        self._gates: dict[int, asyncio.Event] = {}

        @self.app.task(name="wait")
        async def wait(number: int) -> int:
            self.begun.append(number)
            self.course.append(f"{number} begins")
            self.attempts.append(current_job().attempt)
            await self.gate(number).wait()
            self.course.append(f"{number} ends")
            return number

        self.wait: Any = wait

    def gate(self, number: int) -> asyncio.Event:
        return self._gates.setdefault(number, asyncio.Event())

    def open_all(self, number: int) -> None:
        for one in range(number):
            self.gate(one).set()

    async def enqueue(self, number: int, **options: Any) -> list[str]:
        task = self.wait.using(**options) if options else self.wait
        return [done.id for done in await self.app.aio.enqueue_many([task.call(one) for one in range(number)])]

    def working(self, **settings: Any) -> AbstractAsyncContextManager[Worker]:
        return beside(self.app, **{"concurrency": 1, "grace": 0.0, **settings})

    async def records(self, ids: list[str]) -> list[JobRecord]:
        return [await self.app.aio.get(job_id) for job_id in ids]

    async def states(self, ids: list[str]) -> list[State]:
        return [record.state for record in await self.records(ids)]

    async def close(self) -> None:
        await self.app.aio.store.close()


@pytest.fixture
def scene(store_url: str) -> Iterator[Scene]:
    scene = Scene(store_url)
    yield scene
    scene.app.close()


def leased(worker: Worker) -> tuple[int, int]:
    return len(worker.running), len(worker._hand)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_job_at_hand_begins_though_the_store_does_not_answer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        await scene.enqueue(4)
        async with scene.working() as worker:
            await until(lambda: leased(worker) == (1, 3))
            silence = asyncio.Event()
            for name in ("claim", "settle"):
                monkeypatch.setattr(scene.app.aio.store, name, _later(silence, getattr(scene.app.aio.store, name)))
            for number in range(3):
                scene.gate(number).set()
                await until(lambda number=number: scene.begun == list(range(number + 2)))
            silence.set()
            scene.gate(3).set()
            await until(lambda: leased(worker) == (0, 0))
        await scene.close()

    run(play)


@pytest.mark.usefixtures("five_ahead", "patient")
@pytest.mark.parametrize(
    ("flood", "course"),
    [
        (0.0, ["0 ends", "2 begins", "1 ends", "3 begins"]),
        (EVER, ["0 ends", "1 ends", "2 begins", "3 begins"]),
    ],
)
def test_of_jobs_that_end_together_each_is_followed_before_the_next_one_ends_unless_they_are_many(
    scene: Scene, flood: float, course: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand, "FLOOD", flood)

    async def play() -> None:
        await scene.enqueue(4)
        async with scene.working(concurrency=2) as worker:
            await until(lambda: leased(worker) == (2, 2) and len(scene.begun) == 2)
            scene.open_all(2)
            await until(lambda: len(scene.begun) == 4)
            assert scene.course[2:] == course
            scene.open_all(4)
            await until(lambda: leased(worker) == (0, 0))
        await scene.close()

    with asyncio.Runner(loop_factory=new_loop) as loop:
        loop.run(asyncio.wait_for(play(), 60))


def _later(moment: asyncio.Event, method: Callable[..., Any]) -> Callable[..., Any]:
    async def called(*about: Any) -> Any:
        await moment.wait()
        return await method(*about)

    return called


@STORES
@pytest.mark.usefixtures("five_ahead")
def test_what_waits_behind_a_job_that_takes_long_goes_to_another_worker_uncounted(scene: Scene) -> None:
    async def play() -> None:
        first, *others = await scene.enqueue(6)
        async with scene.working(grace=5.0) as slow:
            await until(lambda: leased(slow) == (1, 5))
            async with scene.working(concurrency=5) as other:
                for number in range(1, 6):
                    scene.gate(number).set()
                for job_id in others:
                    record = await ended(scene.app, job_id)
                    assert (words_of(record)[0], words_of(record)[-1]) == ("given back", "succeeded")
                    assert (record.attempts[0].worker, record.attempts[-1].worker) == (slow.id, other.id)
                    assert (record.failures, record.crashes, problems_of(record)) == (0, 0, [])
                assert await scene.states([first]) == [State.RUNNING]
                assert leased(slow) == (1, 0)
                scene.gate(0).set()
                assert words_of(await ended(scene.app, first)) == ["succeeded"]
        assert sorted(scene.begun) == [*range(6)]
        await scene.close()

    run(play)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_stop_gives_back_at_once_what_has_not_begun(scene: Scene) -> None:
    async def play() -> None:
        first, *others = await scene.enqueue(5)
        async with scene.working(grace=60.0) as worker:
            await until(lambda: leased(worker) == (1, 4))
            worker.stop()
            for job_id in others:
                await in_state(scene.app, job_id, State.READY)
            assert await scene.states([first]) == [State.RUNNING]
            scene.gate(0).set()
        assert scene.begun == [0]
        for record in await scene.records(others):
            assert (words_of(record), record.failures, record.crashes) == (["given back"], 0, 0)
            assert record.attempts[0].error is not None
            assert "it had not begun" in str(record.attempts[0].error)
        await scene.close()

    run(play)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_worker_that_is_cancelled_keeps_nothing(scene: Scene) -> None:
    async def play() -> None:
        ids = await scene.enqueue(5)
        worker = scene.app.worker(concurrency=1, grace=0.0)
        working = asyncio.create_task(worker.run())
        await until(lambda: leased(worker) == (1, 4))
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert await scene.states(ids) == [State.READY] * 5
        assert scene.begun == [0]
        await scene.close()

    run(play)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_worker_that_is_asked_to_be_quiet_gives_back_what_has_not_begun(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queuemgr.wishes.LOOK", 0.0)
    monkeypatch.setattr("queuemgr.worker.TEND", 0.01)

    async def play() -> None:
        first, *others = await scene.enqueue(5)
        async with scene.working(grace=60.0) as worker:
            await until(lambda: leased(worker) == (1, 4))
            await wish(scene.app.aio.store, await info_of(scene.app, worker), Wish.QUIET)
            for job_id in others:
                await in_state(scene.app, job_id, State.READY)
            scene.gate(0).set()
            assert (await ended(scene.app, first)).state is State.SUCCEEDED
            await wish(scene.app.aio.store, await info_of(scene.app, worker), Wish.RESUME)
            scene.open_all(5)
            for job_id in others:
                assert (await ended(scene.app, job_id)).state is State.SUCCEEDED
        assert scene.begun == [*range(5)]
        await scene.close()

    run(play)


async def info_of(app: App, worker: Worker) -> WorkerInfo:
    return next(info for info in await app.aio.workers() if info.id == worker.id)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_job_that_is_cancelled_while_it_is_at_hand_never_begins(scene: Scene) -> None:
    async def play() -> None:
        ids = await scene.enqueue(4)
        async with scene.working() as worker:
            await until(lambda: leased(worker) == (1, 3))
            assert await scene.app.aio.handle(ids[2]).cancel()
            record = await ended(scene.app, ids[2])
            assert (record.state, words_of(record)) == (State.CANCELLED, ["cancelled"])
            assert "before it began" in str(record.error)
            scene.open_all(4)
            for job_id in (ids[0], ids[1], ids[3]):
                assert (await ended(scene.app, job_id)).state is State.SUCCEEDED
        assert scene.begun == [0, 1, 3]
        await scene.close()

    run(play)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_jobs_that_run_at_most_once_are_never_at_hand_and_run_once(scene: Scene) -> None:
    async def play() -> None:
        ids = await scene.enqueue(4, at_most_once=True)
        async with scene.working() as worker:
            await until(lambda: scene.begun)
            for job_id in ids[1:]:
                await in_state(scene.app, job_id, State.READY)
            assert leased(worker) == (1, 0)
            scene.open_all(4)
            for job_id in ids:
                record = await ended(scene.app, job_id)
                assert (record.state, words_of(record)[-1], problems_of(record)) == (State.SUCCEEDED, "succeeded", [])
        assert sorted(scene.begun) == [*range(4)]
        await scene.close()

    run(play)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_suspect_is_never_at_hand(scene: Scene) -> None:
    async def play() -> None:
        store = scene.app.aio.store
        first, suspect, other = await scene.enqueue(3)
        await make_suspect(scene.app, suspect)
        async with scene.working() as worker:
            await until(lambda: leased(worker) == (1, 1))
            await in_state(scene.app, suspect, State.READY)
            record = await scene.app.aio.get(suspect)
            assert (words_of(record), record.crashes) == (["interrupted", "given back"], 1)
            scene.open_all(3)
            for job_id in (first, suspect, other):
                assert (await ended(scene.app, job_id)).state is State.SUCCEEDED
        assert sorted(scene.begun) == [0, 1, 2]
        await store.close()

    run(play)


async def make_suspect(app: App, job_id: str) -> None:
    """A worker dies with this job, and with no other."""
    store = app.aio.store
    mine = WorkerInfo(id="victim", host="elsewhere", pid=1, birth=1, started_at=time.time(), beat_at=time.time())
    await store.join(mine)
    claimed = await store.claim(Claim(worker="victim", queues=[("default", 9)], limit=9, tasks=frozenset({"wait"})))
    for lease in claimed.leases:
        if lease.id != job_id:
            back = Verdict(State.READY, "given back")
            await store.settle([Settlement(lease, "victim", back, store.clock.now())])
    await store.leave("victim", died=True)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_time_out_and_what_is_settled_count_from_the_start_of_the_run(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[Settlement] = []
    settle = scene.app.aio.store.settle

    async def listened(settlements: list[Settlement]) -> list[bool]:
        settled.extend(settlements)
        return await settle(settlements)

    monkeypatch.setattr(scene.app.aio.store, "settle", listened)
    monkeypatch.setattr(scene.app.aio.store, "claim", _long_ago(3600, scene.app.aio.store.claim))

    @scene.app.task(name="fail", timeout=60, attempts=1)
    async def fail() -> None:
        for _ in range(5):
            await asyncio.sleep(0)  # where a timer that is late already would ring
        raise ValueError("as planned")

    async def play() -> None:
        await scene.enqueue(1)
        handle = await fail.aenqueue()
        async with scene.working() as worker:
            await until(lambda: leased(worker) == (1, 1))
            opened = scene.app.aio.store.clock.now()
            scene.gate(0).set()
            record = await ended(scene.app, handle.id)
            assert "as planned" in str(record.error)
            assert problems_of(record) == []
            (end,) = [one for one in settled if one.lease.id == handle.id]
            # A server's clock is followed, and may be set right meanwhile.
            assert end.lease.started_at >= opened - 60
        await scene.close()

    run(play)


def _long_ago(seconds: float, claim: Callable[..., Any]) -> Callable[..., Any]:
    """As if what a claim brings had been at hand for so long."""

    async def claimed(wish: Claim) -> Claimed:
        found = await claim(wish)
        return Claimed([replace(one, started_at=one.started_at - seconds) for one in found.leases], found.next_due)

    return claimed


@STORES
@pytest.mark.usefixtures("five_ahead")
def test_a_queue_with_a_limit_keeps_it_and_all_its_jobs_run(scene: Scene) -> None:
    running, most, full = [0], [0], asyncio.Event()

    @scene.app.task(name="nap")
    async def nap() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        if running[0] == 2:
            full.set()
        await full.wait()
        await asyncio.sleep(0.005)
        running[0] -= 1

    async def play() -> None:
        await scene.app.aio.store.limit("default", 2)
        ids = [done.id for done in await scene.app.aio.enqueue_many([nap.call() for _ in range(30)])]
        async with scene.working(), scene.working(concurrency=4):
            for job_id in ids:
                assert (await ended(scene.app, job_id)).state is State.SUCCEEDED
        assert most == [2]
        await scene.close()

    run(play)


@STORES
@pytest.mark.usefixtures("five_ahead", "patient")
def test_a_new_job_begins_at_once_in_an_idle_worker_beside_one_that_has_some_at_hand(scene: Scene) -> None:
    @scene.app.task(name="moment")
    async def moment() -> float:
        return time.monotonic()

    async def play() -> float:
        scene.begun.clear()
        await scene.enqueue(2)
        async with scene.working() as busy:
            await until(lambda: leased(busy) == (1, 1))
            async with scene.working() as idle:
                await until(lambda: idle._resting is not None)
                asked = time.monotonic()
                began = await (await moment.aenqueue()).result(20)
                scene.open_all(2)
                await until(lambda: leased(busy) == (0, 0))
        scene._gates.clear()
        await scene.close()
        return float(began - asked)

    # Whoever waits looks by itself twice a second.
    assert quickest(lambda: run(play), 0.2) < 0.2


@STORES
@pytest.mark.parametrize("executor", ["async", "thread"])
def test_a_worker_of_short_jobs_has_some_at_hand_and_leaves_none(scene: Scene, executor: str) -> None:
    seen = []

    def note(worker: list[Worker]) -> None:
        seen.append(len(worker[0]._hand))

    the_worker: list[Worker] = []

    async def nap() -> None:
        note(the_worker)
        await asyncio.sleep(0.002)

    def doze() -> None:
        note(the_worker)
        time.sleep(0.002)

    task: Any = scene.app.task(name="short", executor=executor)(nap if executor == "async" else doze)

    async def play() -> None:
        await scene.app.aio.enqueue_many([task.call() for _ in range(600)])
        the_worker.append(scene.app.worker(concurrency=4, burst=True))
        await the_worker[0].run()
        assert max(seen) > 0
        assert len(the_worker[0]._hand) == 0
        (queue,) = await scene.app.aio.queues()
        assert {state: number for state, number in queue.counts.items() if number} == {State.SUCCEEDED: 600}
        await scene.close()

    run(play)


def test_a_worker_whose_jobs_take_long_has_none_at_hand(tmp_path: Path) -> None:
    app = App(f"sqlite:///{tmp_path}/jobs.db")
    limits: list[int] = []

    @app.task
    async def long() -> None:
        await asyncio.sleep(0.25)

    async def play() -> None:
        store = app.aio.store
        claim = store.claim

        async def listened(asked: Any) -> Any:
            limits.append(asked.limit)
            return await claim(asked)

        store.claim = listened  # type: ignore[method-assign]
        await app.aio.enqueue_many([long.call() for _ in range(150)])
        await drain(app, concurrency=50)
        assert max(limits) == 50

    run(play)
