"""What a worker makes of each way in which a job can go."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from queuemgr import App, Cancel, Snooze, State, current_job, track
from queuemgr.errors import ResultError, ResultTimeout
from queuemgr.job import Job, new_id
from queuemgr.runner import Capture
from tests.pace import quickest

from .rig import drain, ended, in_state, run, until, working


def test_functions_coroutines_and_classes_give_their_results(app: App) -> None:
    @app.task
    def double(n: int) -> int:
        return 2 * n

    @app.task
    async def later(when: datetime) -> datetime:
        return when

    @app.task
    class Hello:
        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self) -> str:
            return f"hello {self.name}"

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    async def scene() -> None:
        async with working(app):
            assert await (await double.aenqueue(4)).result(20) == 8
            assert await (await later.aenqueue(moment)).result(20) == moment
            assert await (await Hello.aenqueue("Ann")).result(20) == "hello Ann"

    run(scene)


def test_a_failing_job_is_retried_and_its_history_is_kept(app: App) -> None:
    @app.task(attempts=3)
    def fails() -> int:
        if current_job().attempt < 3:
            raise ValueError(f"attempt {current_job().attempt}")
        return 3

    async def scene() -> None:
        async with working(app):
            record = await ended(app, (await fails.aenqueue()).id)
            assert record.state is State.SUCCEEDED
            assert [attempt.outcome for attempt in record.attempts] == ["failed", "failed", "succeeded"]
            first = record.attempts[0]
            assert first.error is not None
            assert first.error["message"] == "attempt 1"
            assert "raise ValueError" in first.error["traceback"]
            assert first.worker
            assert first.duration >= 0

    run(scene)


def test_a_job_without_attempts_left_is_dead_and_can_be_sent_back(app: App) -> None:
    healed = []

    @app.task(attempts=2)
    def sick() -> str:
        if not healed:
            raise KeyError("why")
        return "well"

    async def scene() -> None:
        async with working(app):
            handle = await sick.aenqueue()
            record = await ended(app, handle.id)
            assert (record.state, record.failures) == (State.DEAD, 2)
            with pytest.raises(ResultError, match="all 2 attempts failed"):
                await handle.result(5)
            healed.append(True)
            assert await handle.retry()
            assert await handle.result(20) == "well"

    run(scene)


def test_snooze_and_cancel_are_said_by_return_or_by_raise(app: App) -> None:
    @app.task(attempts=1)
    def sleepy() -> int:
        if current_job().attempt == 1:
            return Snooze(0.01)  # type: ignore[return-value]
        if current_job().attempt == 2:
            raise Snooze(0.01)
        return current_job().attempt

    @app.task
    async def tired() -> None:
        raise Cancel("no more")

    async def scene() -> None:
        async with working(app):
            assert await (await sleepy.aenqueue()).result(20) == 3
            record = await ended(app, (await tired.aenqueue()).id)
            assert record.state is State.CANCELLED
            assert record.error == {"message": "no more", "reason": "no more"} or "no more" in str(record.error)

    run(scene)


def test_an_unknown_task_waits_for_a_worker_that_knows_it(app: App) -> None:
    other = App(app.url)

    @other.task(name="late")
    def late() -> str:
        return "known"

    async def scene() -> None:
        handle = await other.aio.enqueue(late.call())
        async with working(app):
            await in_state(app, handle.id, State.PARKED)
        async with working(other):
            assert await handle.result(20) == "known"
        await other.aio.store.close()

    run(scene)


def test_arguments_that_cannot_be_read_end_among_the_dead_with_their_bytes(app: App) -> None:
    @app.task(name="any")
    async def anything() -> None: ...

    async def scene() -> None:
        job = Job(id=new_id(), task="any", args=b"\xff not json")
        await app.aio.store.enqueue([job])
        async with working(app):
            record = await ended(app, job.id)
            assert record.state is State.DEAD
            assert await app.aio.store.arguments(job.id) == b"\xff not json"

    run(scene)


@pytest.mark.parametrize("options", [{"backoff": {"kind": "of a newer version"}}, {"backoff": {"sort": "fixed"}}])
def test_options_that_cannot_be_read_end_the_job_and_not_its_slot(app: App, options: dict[str, Any]) -> None:
    @app.task(name="any")
    async def anything() -> str:
        return "ran"

    async def scene() -> None:
        job = Job(id=new_id(), task="any", args=b"[[]]", options=options)
        await app.aio.store.enqueue([job])
        async with working(app, concurrency=1):
            record = await ended(app, job.id)
            assert (record.state, (record.error or {})["type"]) == (State.DEAD, "queuemgr.errors.ConfigError")
            assert await (await anything.aenqueue()).result(20) == "ran"

    run(scene)


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_a_job_may_be_cancelled_for_any_reason(app: App, executor: str) -> None:
    async def tired() -> None:
        raise Cancel(LookupError("\ud800 is gone"))

    def lazy() -> None:
        raise Cancel(LookupError("\ud800 is gone"))

    task = app.task(executor=executor)(tired if executor == "async" else lazy)

    async def scene() -> None:
        async with working(app):
            record = await ended(app, (await task.aenqueue()).id)
            assert (record.state, (record.error or {})["message"]) == (State.CANCELLED, "? is gone")

    run(scene)


def test_a_program_has_its_own_signal_handlers_again_once_its_worker_has_ended(app: App) -> None:
    def own(*_: object) -> None: ...

    usual = {number: signal.signal(number, own) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        app.work(burst=True)
        assert [signal.getsignal(number) for number in usual] == [own, own]
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        app.close()


def test_a_worker_is_not_run_in_an_event_loop_that_it_would_block(app: App) -> None:
    async def scene() -> None:
        with pytest.raises(RuntimeError, match=r"await app.worker\(...\).run\(\) instead"):
            app.work(burst=True)

    run(scene)


@pytest.mark.parametrize("kind", ["too large", "of no known type"])
def test_a_result_that_cannot_be_kept_fails_with_a_sentence_and_is_not_retried(app: App, kind: str) -> None:
    app.max_result = 100

    @app.task
    def result() -> object:
        return "x" * 200 if kind == "too large" else object()

    async def scene() -> None:
        async with working(app):
            record = await ended(app, (await result.aenqueue()).id)
            assert (record.state, len(record.attempts)) == (State.DEAD, 1)
            assert record.error is not None
            assert ("limit is 100" in record.error["message"]) == (kind == "too large")

    run(scene)


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_a_time_out_stops_the_work_and_counts_as_a_failure(app: App, executor: str) -> None:
    stopped = threading.Event()

    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    def spins() -> None:
        try:
            while True:
                time.sleep(0.001)
        finally:
            stopped.set()

    task = app.task(timeout=0.05, attempts=1, executor=executor)(waits if executor == "async" else spins)

    async def scene() -> None:
        async with working(app):
            record = await ended(app, (await task.aenqueue()).id)
            assert stopped.is_set()
            assert record.state is State.DEAD
            assert record.error is not None
            assert record.error["type"] == "queuemgr.errors.TimedOut"

    run(scene)


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_a_running_job_is_cancelled_within_a_second(app: App, executor: str) -> None:
    begun = threading.Event()

    async def waits() -> None:
        begun.set()
        await asyncio.sleep(60)

    def spins() -> None:
        begun.set()
        while True:
            time.sleep(0.001)

    task = app.task(executor=executor)(waits if executor == "async" else spins)

    async def scene() -> float:
        begun.clear()
        async with working(app):
            handle = await task.aenqueue()
            await until(begun.is_set)
            asked = time.monotonic()
            assert await handle.cancel()
            record = await ended(app, handle.id)
            taken = time.monotonic() - asked
            assert record.state is State.CANCELLED
        return taken

    assert quickest(lambda: run(scene), 1.0) < 1.0


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_never_more_jobs_run_than_there_are_slots(app: App, executor: str) -> None:
    running, most = [0], [0]

    full, lock = threading.Event(), threading.Lock()

    def enter(change: int) -> None:
        with lock:
            running[0] += change
            most[0] = max(most[0], running[0])
            if running[0] == 7:
                full.set()

    async def naps() -> None:
        enter(1)
        await until(full.is_set)
        await asyncio.sleep(0.01)
        enter(-1)

    def dozes() -> None:
        enter(1)
        full.wait(60)
        time.sleep(0.01)
        enter(-1)

    task = app.task(executor=executor)(naps if executor == "async" else dozes)

    async def scene() -> None:
        await app.aio.enqueue_many([task.call() for _ in range(60)])
        await drain(app, concurrency=7)
        assert most[0] == 7

    run(scene)


def test_higher_priorities_run_first_and_then_the_older(app: App) -> None:
    order: list[tuple[int, int]] = []

    @app.task
    async def note(priority: int, age: int) -> None:
        order.append((priority, age))

    async def scene() -> None:
        calls = [note.using(priority=p).call(p, age) for age in range(3) for p in (0, 9, 5)]
        await app.aio.enqueue_many(calls)
        await drain(app, concurrency=1)
        assert order == [(p, age) for p in (9, 5, 0) for age in range(3)]

    run(scene)


def test_queues_share_the_slots_by_their_weights(app: App) -> None:
    order: list[str] = []

    @app.task
    async def note(queue: str) -> None:
        order.append(queue)

    async def scene() -> None:
        await app.aio.enqueue_many([note.using(queue=q).call(q) for q in ("a", "b") for _ in range(40)])
        await drain(app, queues={"a": 3, "b": 1}, concurrency=1)
        # Those of one claim begin in the order of their age.
        assert 27 <= order[:40].count("a") <= 34

    run(scene)


def test_progress_and_output_reach_the_store_while_the_job_runs(app: App) -> None:
    go_on = threading.Event()

    @app.task
    def talks() -> None:
        for _ in track(range(4), note="part"):
            print("привет")
        current_job().progress(50, "half")
        go_on.wait(60)

    async def scene() -> None:
        with Capture():
            async with working(app):
                handle = await talks.aenqueue()
                async with asyncio.timeout(60):
                    while (await handle.look()).note != "half":
                        await asyncio.sleep(0.02)
                record = await handle.look()
                assert record.progress == 50
                assert record.seconds_left(time.time()) is not None
                lines = await app.aio.output(handle.id)
                assert "".join(line.text for line in lines).count("привет") == 4
                go_on.set()
                assert (await ended(app, handle.id)).progress == 100

    run(scene)


def test_output_beyond_its_bound_is_cut_with_a_note(app: App) -> None:
    @app.task
    def shouts() -> None:
        for _ in range(1000):
            print("x" * 1000)

    async def scene() -> None:
        with Capture():
            async with working(app):
                handle = await shouts.aenqueue()
                await ended(app, handle.id)
                text = "".join(line.text for line in await app.aio.output(handle.id, limit=100_000))
                assert len(text) < 300 * 1024
                assert "is not kept" in text

    run(scene)


def test_waiting_for_a_result_has_its_own_time_out(app: App) -> None:
    @app.task
    async def never() -> None: ...

    async def scene() -> None:
        handle = await never.aenqueue()
        with pytest.raises(ResultTimeout, match="did not end within"):
            await handle.result(0.02)
        await app.aio.store.close()

    run(scene)


def test_an_executor_that_cannot_be_opened_fails_the_job_and_not_the_worker(app: App) -> None:
    @app.task(executor="process", attempts=1)
    def isolated() -> None: ...

    @app.task
    async def fine() -> int:
        return 1

    async def scene() -> None:
        # No process can find this app: it lives in a test function.
        async with working(app):
            handle = await isolated.aenqueue()
            record = await ended(app, handle.id)
            assert record.state is State.DEAD
            assert "a process cannot find the app" in str(record.error)
            assert await (await fine.aenqueue()).result(20) == 1

    run(scene)


def test_a_job_that_cancels_its_own_asyncio_task_fails_like_any_other(app: App) -> None:
    @app.task(attempts=1)
    async def gives_up() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    async def scene() -> None:
        async with working(app):
            record = await ended(app, (await gives_up.aenqueue()).id)
            assert record.state is State.DEAD
            assert "CancelledError" in str(record.error)

    run(scene)


def test_bytes_that_a_jobs_own_code_cannot_read_are_a_failure_to_be_retried(app: App) -> None:
    @app.task(attempts=2)
    async def reads() -> None:
        app.codec.decode(b"\xff")

    async def scene() -> None:
        async with working(app):
            record = await ended(app, (await reads.aenqueue()).id)
            assert [attempt.outcome for attempt in record.attempts] == ["failed", "failed"]

    run(scene)


@dataclass(frozen=True)
class Parcel:
    weight: int


def test_a_process_that_only_asks_for_results_can_read_the_classes_of_its_tasks(app: App) -> None:
    def weigh(weight: int) -> Parcel:
        return Parcel(weight)

    task = app.task(name="weigh")(weigh)
    asking = App(app.url)
    asking.task(name="weigh")(weigh)

    async def scene() -> None:
        async with working(app):
            handle = await task.aenqueue(3)
            assert await handle.result(20) == Parcel(3)
        assert await asking.aio.handle(handle.id).result(5) == Parcel(3)
        await asking.aio.store.close()

    run(scene)


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_what_a_job_had_to_show_is_kept_however_it_ends(app: App, executor: str) -> None:
    async def show(ending: str) -> None:
        current_job().set_result({"shown": ending})
        if ending == "failed":
            raise ValueError("nothing more to show")
        if ending == "cancelled":
            raise Cancel("no longer wanted")

    def show_in_thread(ending: str) -> None:
        asyncio.run(show(ending))

    task = app.task(attempts=1, name="show")(show if executor == "async" else show_in_thread)

    async def scene() -> None:
        for ending in ("succeeded", "failed", "cancelled"):
            handle = await task.aenqueue(ending)
            await drain(app)
            data = await app.aio.store.result(handle.id)
            assert data is not None
            assert app.codec.decode(data) == {"shown": ending}

    run(scene)
