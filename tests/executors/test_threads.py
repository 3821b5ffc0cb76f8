"""Jobs in threads: what a run is worth, and that a stop hits the job that it is meant for, or nobody."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import random
import threading
import time
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.context import Snooze, current, current_job
from queuemgr.executor import Call, Executor, Why
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.outcome import Cancelled, Done, Failed, GivenBack, Outcome, Snoozed, Undecodable
from tests.executors.calls import CODEC, make_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@asynccontextmanager
async def opened(size: int = 4, grace: float = 2.0) -> AsyncIterator[ThreadExecutor]:
    executor = ThreadExecutor(size, grace)
    await executor.open()
    try:
        yield executor
    finally:
        await executor.close()


def run(call: Call) -> Outcome:
    async def main() -> Outcome:
        async with opened() as executor:
            return await executor.run(call)

    return asyncio.run(main())


def value_of(function: Callable[..., Any], *args: Any) -> Any:
    outcome = run(make_call(function, *args))
    assert isinstance(outcome, Done), outcome
    return CODEC.decode(outcome.result) if outcome.result is not None else None


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


def opaque() -> object:
    return object()


class Busy:
    """A task that runs Python code until it is stopped, and tells that it began."""

    __name__ = "busy"

    def __init__(self) -> None:
        self.began = threading.Event()

    def __call__(self) -> None:
        self.began.set()
        for _ in itertools.count():
            pass


async def start(executor: ThreadExecutor, call: Call, began: threading.Event) -> asyncio.Task[Outcome]:
    task = asyncio.create_task(executor.run(call))
    await until(began.is_set)
    return task


def test_it_is_an_executor() -> None:
    executor: Executor = ThreadExecutor(1)
    assert executor.interrupt(make_call(print), Why.STOP) is not None


def test_a_function_gets_its_arguments_and_its_value_is_the_result() -> None:
    assert value_of(lambda one, two: one + two, 2, 3) == 5
    assert value_of(lambda: None) is None


def test_it_runs_in_a_thread_of_its_own_that_does_not_keep_the_program_alive() -> None:
    def looks() -> list[Any]:
        thread = threading.current_thread()
        return [thread.name, thread.daemon, thread is threading.main_thread()]

    assert value_of(looks) == ["queuemgr-thread-1", True, False]


def test_a_job_class_is_made_and_then_run() -> None:
    class Greeting:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self) -> str:
            return f"hello {self.name}"

    assert value_of(Greeting, "you") == "hello you"


def test_an_asynchronous_function_gets_an_event_loop_in_its_thread() -> None:
    async def naps(number: int) -> list[Any]:
        await asyncio.sleep(0.001)
        return [number, current_job().task, threading.current_thread() is threading.main_thread()]

    assert value_of(naps, 3) == [3, "naps", False]


def test_a_snooze_may_be_returned_and_raised() -> None:
    def raises() -> None:
        raise Snooze(4)

    assert run(make_call(lambda: Snooze(3))) == Snoozed(3)
    assert run(make_call(raises)) == Snoozed(4)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_whatever_the_task_raises_is_its_failure_and_its_thread_lives_on(kind: type[BaseException]) -> None:
    def raises() -> None:
        raise kind("oh")

    async def main() -> None:
        async with opened(size=1) as executor:
            outcome = await executor.run(make_call(raises))
            assert isinstance(outcome, Failed)
            assert outcome.types[0] == f"{kind.__module__}.{kind.__qualname__}"
            assert "raises" in outcome.error["traceback"]
            assert await executor.run(make_call(lambda: None)) == Done()

    asyncio.run(main())


def test_arguments_that_cannot_be_read_never_reach_the_task() -> None:
    reached: list[Any] = []
    assert isinstance(run(make_call(reached.append, data=b"\xff")), Undecodable)
    assert reached == []


def test_a_result_that_cannot_travel_is_a_failure_without_a_retry() -> None:
    outcome = run(make_call(opaque))
    assert isinstance(outcome, Failed)
    assert not outcome.retry


def test_every_job_sees_the_callers_context_variables_and_changes_only_its_own_copy() -> None:
    colour = contextvars.ContextVar("colour", default="none")

    def paints(new: str) -> str:
        old = colour.get()
        colour.set(new)
        return f"{old}, {current_job().task}"

    async def main() -> None:
        async with opened(size=1) as executor:
            colour.set("red")
            for _ in range(2):
                assert await executor.run(make_call(paints, "blue")) == Done(CODEC.encode("red, paints"))
            assert (colour.get(), current.get()) == ("red", None)

    asyncio.run(main())


def test_threads_are_started_when_they_are_needed_and_never_more_than_asked_for() -> None:
    async def main() -> None:
        async with opened(size=3) as executor:
            assert len(executor._threads) == 0
            for _ in range(5):
                await executor.run(make_call(lambda: None))
            assert len(executor._threads) == 1
            release = threading.Event()
            runs = [asyncio.create_task(executor.run(make_call(release.wait))) for _ in range(10)]
            await until(lambda: len(executor.running()) == 3)
            assert len(executor._threads) == 3
            release.set()
            assert {type(outcome) for outcome in await asyncio.gather(*runs)} == {Done}

    asyncio.run(main())


def test_many_jobs_in_flight_all_end_with_their_own_result() -> None:
    async def main() -> None:
        async with opened(size=8) as executor:
            calls = [make_call(lambda number: number, number) for number in range(2_000)]
            outcomes = await asyncio.gather(*map(executor.run, calls))
            assert outcomes == [Done(CODEC.encode(number)) for number in range(2_000)]
            assert executor._works == {}

    asyncio.run(main())


def test_what_runs_is_known_by_its_thread() -> None:
    async def main() -> None:
        async with opened() as executor:
            busy = Busy()
            call = make_call(busy)
            task = await start(executor, call, busy.began)
            [(ident, name)] = executor.running().items()
            assert ident in {thread.ident for thread in executor._threads}
            assert name == f"job {call.lease.id} (busy)"
            executor.interrupt(call, Why.STOP)
            await task
            assert executor.running() == {}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("why", "kind"),
    [(Why.TIMEOUT, Failed), (Why.CANCEL, Cancelled), (Why.STOP, GivenBack), (Why.LOST, GivenBack)],
)
def test_python_code_is_stopped_by_an_exception_and_its_thread_serves_on(why: Why, kind: type[Outcome]) -> None:
    async def main() -> None:
        async with opened(size=1) as executor:
            busy = Busy()
            call = make_call(busy, timeout=2)
            task = await start(executor, call, busy.began)
            assert executor.interrupt(call, why) is None
            assert isinstance(await task, kind)
            assert (call.why, call.context.stopping) == (why, True)
            assert await executor.run(make_call(lambda: None)) == Done()
            assert len(executor._threads) == 1

    asyncio.run(main())


def test_the_outcome_tells_by_which_means_it_was_stopped() -> None:
    async def main() -> None:
        async with opened() as executor:
            busy = Busy()
            call = make_call(busy)
            task = await start(executor, call, busy.began)
            executor.interrupt(call, Why.CANCEL)
            assert await task == Cancelled("cancelled while running, by raising an exception in its thread")

    asyncio.run(main())


def test_the_first_reason_to_stop_counts() -> None:
    async def main() -> None:
        async with opened() as executor:
            busy = Busy()
            call = make_call(busy)
            task = await start(executor, call, busy.began)
            executor.interrupt(call, Why.CANCEL)
            executor.interrupt(call, Why.STOP)
            assert isinstance(await task, Cancelled)

    asyncio.run(main())


def test_a_coroutine_in_a_thread_is_cancelled_while_it_waits() -> None:
    began = threading.Event()

    async def waits() -> None:
        began.set()
        await asyncio.Event().wait()

    async def main() -> None:
        async with opened() as executor:
            call = make_call(waits)
            task = await start(executor, call, began)
            executor.interrupt(call, Why.CANCEL)
            assert await task == Cancelled("cancelled while running, by cancelling its coroutine")

    asyncio.run(main())


def test_a_coroutine_in_a_thread_that_blocks_its_own_loop_is_stopped_by_an_exception() -> None:
    began = threading.Event()

    async def blocks() -> None:
        began.set()
        while True:
            pass

    async def main() -> None:
        async with opened(grace=0.05) as executor:
            call = make_call(blocks)
            task = await start(executor, call, began)
            executor.interrupt(call, Why.CANCEL)
            assert await task == Cancelled("cancelled while running, by raising an exception in its thread")

    asyncio.run(main())


def test_a_call_that_waits_for_a_thread_is_stopped_at_once_and_never_begins() -> None:
    async def main() -> None:
        async with opened(size=1) as executor:
            busy, reached = Busy(), list[Any]()
            first, second = make_call(busy), make_call(reached.append, 1)
            task = await start(executor, first, busy.began)
            waiting = asyncio.create_task(executor.run(second))
            await asyncio.sleep(0)
            executor.interrupt(second, Why.CANCEL)
            assert await waiting == Cancelled("cancelled while running, before it began")
            executor.interrupt(first, Why.STOP)
            await task
            assert await executor.run(make_call(lambda: None)) == Done()
            assert reached == []

    asyncio.run(main())


def test_a_call_that_is_interrupted_before_it_is_run_never_begins() -> None:
    async def main() -> None:
        async with opened() as executor:
            reached: list[Any] = []
            call = make_call(reached.append, 1)
            task = asyncio.create_task(executor.run(call))
            call.why = Why.STOP
            assert isinstance(await task, GivenBack)
            assert reached == []

    asyncio.run(main())


def test_interrupting_what_has_ended_says_so_and_changes_nothing() -> None:
    async def main() -> None:
        async with opened() as executor:
            call = make_call(lambda: None)
            assert await executor.run(call) == Done()
            assert call.lease.id in (executor.interrupt(call, Why.TIMEOUT) or "")
            assert (call.why, call.context.stopping) == (None, False)

    asyncio.run(main())


def test_a_run_that_ended_before_the_stop_arrived_keeps_its_own_outcome() -> None:
    async def main() -> None:
        async with opened() as executor:
            call = make_call(lambda: 5)
            task = asyncio.create_task(executor.run(call))
            await asyncio.sleep(0)
            work = executor._works[call]
            while not work.over or executor._finished == executor._finished.__class__():
                time.sleep(0.001)  # the loop is not to collect it yet
            assert executor.interrupt(call, Why.CANCEL) is not None
            assert await task == Done(CODEC.encode(5))

    asyncio.run(main())


def test_a_job_that_ends_by_itself_once_it_is_asked_to_is_stopped_not_done() -> None:
    began = threading.Event()

    def polite() -> None:
        while not current_job().stopping:
            try:
                began.set()
                time.sleep(0.001)
            except BaseException:
                return

    async def main() -> None:
        async with opened() as executor:
            call = make_call(polite)
            task = await start(executor, call, began)
            executor.interrupt(call, Why.CANCEL)
            assert isinstance(await task, Cancelled)

    asyncio.run(main())


def test_an_error_while_cleaning_up_is_told_with_the_stop() -> None:
    began = threading.Event()

    def clumsy() -> None:
        try:
            began.set()
            while True:
                pass
        finally:
            raise ValueError("lost my keys")

    async def main() -> None:
        async with opened() as executor:
            call = make_call(clumsy, timeout=2)
            task = await start(executor, call, began)
            executor.interrupt(call, Why.TIMEOUT)
            outcome = await task
            assert isinstance(outcome, Failed)
            assert outcome.types[0] == "queuemgr.errors.TimedOut"
            assert "ValueError: lost my keys" in outcome.error["message"]

    asyncio.run(main())


def test_code_that_swallows_the_exception_is_hit_again() -> None:
    began = threading.Event()

    def stubborn() -> None:
        try:
            began.set()
            while True:
                pass
        except BaseException:
            while True:
                pass

    async def main() -> None:
        async with opened(grace=0.03) as executor:
            call = make_call(stubborn)
            task = await start(executor, call, began)
            executor.interrupt(call, Why.CANCEL)
            assert isinstance(await task, Cancelled)

    asyncio.run(main())


def test_c_code_is_named_once_with_its_stack_and_stays_pending_until_it_returns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    began = threading.Event()

    def sleeper() -> None:
        began.set()
        time.sleep(0.5)

    async def main() -> None:
        async with opened(grace=0.1) as executor:
            call = make_call(sleeper)
            task = await start(executor, call, began)
            executor.interrupt(call, Why.CANCEL)
            await asyncio.sleep(0.35)
            assert not task.done()
            [told] = caplog.messages
            assert call.lease.id in told
            assert "before it returns" in told
            assert "executor='process'" in told
            assert "time.sleep(0.5)" in told
            assert isinstance(await task, Cancelled)
            assert len(caplog.messages) == 1

    asyncio.run(main())


def test_the_log_stays_quiet_when_a_stop_works(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with opened(grace=0.1) as executor:
            busy = Busy()
            call = make_call(busy)
            task = await start(executor, call, busy.began)
            executor.interrupt(call, Why.STOP)
            await task
            await asyncio.sleep(0.15)

    asyncio.run(main())
    assert caplog.messages == []


def test_stops_at_any_moment_hit_their_own_job_or_nobody() -> None:
    """Short jobs, asked to stop at a random moment around their end. A late stop would hit a neighbour."""

    def short(steps: int) -> int:
        return sum(range(steps))

    async def serve(executor: ThreadExecutor, chance: random.Random, deadline: float) -> list[str]:
        seen: list[str] = []
        while time.monotonic() < deadline:
            call = make_call(short, chance.randrange(4_000))
            task = asyncio.create_task(executor.run(call))
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            told = executor.interrupt(call, Why.CANCEL) if chance.random() < 0.8 and not task.done() else "not asked"
            outcome = await task
            seen.append(type(outcome).__name__)
            # Cancelled exactly if the stop was accepted, and nothing but those two.
            assert isinstance(outcome, Done if told is not None and call.why is None else Cancelled), (
                outcome,
                told,
            )
        return seen

    async def main() -> None:
        async with opened(size=3) as executor:
            deadline = time.monotonic() + 1.0
            chances = [random.Random(seed) for seed in range(6)]
            seen = [
                one
                for some in await asyncio.gather(*(serve(executor, chance, deadline) for chance in chances))
                for one in some
            ]
            assert {"Done", "Cancelled"} == set(seen)
            assert all(thread.is_alive() for thread in executor._threads)
            assert executor._works == {}

    asyncio.run(main())


def test_a_cancellation_from_outside_stops_the_work_and_does_not_wait_for_it() -> None:
    async def main() -> None:
        async with opened(size=1) as executor:
            busy = Busy()
            task = await start(executor, make_call(busy), busy.began)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: executor.running() == {})
            assert await executor.run(make_call(lambda: None)) == Done()

    asyncio.run(main())


def test_closing_stops_whatever_runs_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())

    async def main() -> None:
        executor = ThreadExecutor(3)
        await executor.open()
        jobs = [Busy() for _ in range(3)]
        tasks = [await start(executor, make_call(busy), busy.began) for busy in jobs]
        waiting = asyncio.create_task(executor.run(make_call(lambda: None)))
        await asyncio.sleep(0)
        await executor.close()
        assert [type(await task) for task in (*tasks, waiting)] == [GivenBack] * 4

    asyncio.run(main())
    assert set(threading.enumerate()) <= before


def test_closing_leaves_a_thread_in_c_code_behind_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    began = threading.Event()
    before = set(threading.enumerate())

    def sleeper() -> None:
        began.set()
        time.sleep(0.4)

    async def main() -> None:
        executor = ThreadExecutor(2, grace=0.05)
        await executor.open()
        task = await start(executor, make_call(sleeper), began)
        await executor.close()
        assert not task.done()
        task.cancel()

    asyncio.run(main())
    assert "time.sleep(0.4)" in caplog.text
    left = set(threading.enumerate()) - before
    assert len(left) == 1
    # It comes back to a loop that is closed, and ends.
    for thread in left:
        thread.join(2)
        assert not thread.is_alive()


def test_closing_an_executor_that_never_ran_anything_is_quick() -> None:
    async def main() -> None:
        async with opened():
            pass

    asyncio.run(main())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("queuemgr-thread")]


def test_an_idle_thread_keeps_nothing_of_its_last_job_alive() -> None:
    class Big:
        pass

    made: list[weakref.ref[Big]] = []

    def keeps() -> None:
        big = Big()
        made.append(weakref.ref(big))
        raise ValueError(big)

    async def main() -> None:
        async with opened(size=1) as executor:
            await executor.run(make_call(keeps))
            await until(lambda: made[0]() is None)

    asyncio.run(main())
