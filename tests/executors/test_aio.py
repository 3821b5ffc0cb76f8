"""Coroutines in the worker's own loop: what a run is worth, and every way of stopping one."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.context import Cancel, Snooze, current, current_job
from queuemgr.executor import Call, Executor, Why
from queuemgr.executors.aio import AioExecutor
from queuemgr.outcome import Cancelled, Done, Failed, GivenBack, Outcome, Snoozed, Undecodable
from tests.executors.calls import CODEC, make_call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def ends_as(outcome: Outcome, function: Callable[..., Any], *args: Any) -> bool:
    return run(make_call(function, *args)) == outcome


def run(call: Call) -> Outcome:
    return asyncio.run(AioExecutor().run(call))


async def start(executor: AioExecutor, call: Call) -> asyncio.Task[Outcome]:
    """The run as a task of its own, at its first await."""
    task = asyncio.create_task(executor.run(call))
    await asyncio.sleep(0)
    return task


def opaque() -> object:
    return object()


async def forever() -> None:
    await asyncio.Event().wait()


async def add(one: int, two: int) -> int:
    await asyncio.sleep(0)
    return one + two


def test_it_is_an_executor() -> None:
    executor: Executor = AioExecutor()
    assert asyncio.run(executor.open()) is None


def test_a_coroutine_gets_its_arguments_and_its_value_is_the_result() -> None:
    assert ends_as(Done(CODEC.encode(5)), add, 2, 3)


def test_named_arguments_arrive_by_their_names() -> None:
    assert run(make_call(add, data=b'[[2],{"two":5}]')) == Done(CODEC.encode(7))


def test_no_value_is_no_result() -> None:
    async def nothing() -> None: ...

    assert ends_as(Done(), nothing)


def test_a_plain_function_runs_in_the_loop() -> None:
    assert ends_as(Done(CODEC.encode(6)), lambda number: number * 2, 3)


def test_any_awaitable_is_awaited() -> None:
    def later() -> Awaitable[int]:
        return asyncio.ensure_future(add(1, 1))

    assert ends_as(Done(CODEC.encode(2)), later)


def test_an_asynchronous_job_class_is_made_and_then_run() -> None:
    class Greeting:
        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self) -> str:
            return f"hello {self.name}"

    assert ends_as(Done(CODEC.encode("hello you")), Greeting, "you")


def test_a_snooze_may_be_returned_and_raised() -> None:
    async def returns() -> Snooze:
        return Snooze(3)

    async def raises() -> None:
        raise Snooze(4)

    assert ends_as(Snoozed(3), returns)
    assert ends_as(Snoozed(4), raises)


def test_a_cancel_ends_the_job_as_cancelled() -> None:
    async def raises() -> None:
        raise Cancel("not wanted")

    assert ends_as(Cancelled("not wanted"), raises)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_whatever_the_task_raises_is_its_failure_and_not_the_workers(kind: type[BaseException]) -> None:
    async def raises() -> None:
        raise kind("oh")

    outcome = run(make_call(raises))
    assert isinstance(outcome, Failed)
    assert outcome.types[0] == f"{kind.__module__}.{kind.__qualname__}"
    assert outcome.error["message"] == "oh"
    assert "raises" in outcome.error["traceback"]


def test_awaiting_a_cancelled_future_is_a_failure() -> None:
    async def awaits() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    outcome = run(make_call(awaits))
    assert isinstance(outcome, Failed)
    assert outcome.types[0].endswith("CancelledError")


def test_arguments_that_cannot_be_read_never_reach_the_task() -> None:
    reached: list[Any] = []
    outcome = run(make_call(reached.append, data=b"\xff"))
    assert isinstance(outcome, Undecodable)
    assert reached == []


def test_a_result_that_cannot_travel_or_is_too_large_is_a_failure_without_a_retry() -> None:
    for call in (make_call(opaque), make_call(lambda: "x" * 100, max_result=50)):
        outcome = run(call)
        assert isinstance(outcome, Failed)
        assert not outcome.retry


def test_the_current_job_is_set_inside_and_only_there() -> None:
    async def tells() -> str:
        await asyncio.sleep(0)
        return current_job().id

    async def main() -> None:
        call = make_call(tells)
        assert await AioExecutor().run(call) == Done(CODEC.encode(call.context.id))
        assert current.get() is None

    asyncio.run(main())


def test_concurrent_runs_see_their_own_job() -> None:
    async def tells() -> str:
        await asyncio.sleep(0)
        return current_job().id

    async def main() -> None:
        executor, calls = AioExecutor(), [make_call(tells) for _ in range(20)]
        outcomes = await asyncio.gather(*map(executor.run, calls))
        assert outcomes == [Done(CODEC.encode(call.context.id)) for call in calls]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("why", "kind"),
    [(Why.TIMEOUT, Failed), (Why.CANCEL, Cancelled), (Why.STOP, GivenBack), (Why.LOST, GivenBack)],
)
def test_an_interrupted_coroutine_is_cancelled_and_its_asyncio_task_lives_on(why: Why, kind: type[Outcome]) -> None:
    async def worker(executor: AioExecutor, call: Call) -> tuple[Outcome, str]:
        outcome = await executor.run(call)
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return outcome, f"settled, {task.cancelling()} cancellations left"

    async def main() -> None:
        executor, call = AioExecutor(), make_call(forever, timeout=3)
        task = asyncio.create_task(worker(executor, call))
        await asyncio.sleep(0)
        assert executor.interrupt(call, why) is None
        outcome, settled = await task
        assert isinstance(outcome, kind)
        assert settled == "settled, 0 cancellations left"
        assert call.why is why
        assert call.context.stopping

    asyncio.run(main())


def test_the_outcome_tells_by_which_means_it_was_stopped() -> None:
    async def main() -> None:
        executor, call = AioExecutor(), make_call(forever)
        task = await start(executor, call)
        executor.interrupt(call, Why.CANCEL)
        assert await task == Cancelled("cancelled while running, by cancelling its coroutine")

    asyncio.run(main())


def test_a_call_that_is_interrupted_before_it_began_does_not_begin() -> None:
    async def main() -> None:
        reached: list[Any] = []
        executor, call = AioExecutor(), make_call(reached.append, 1)
        task = asyncio.create_task(executor.run(call))
        executor.interrupt(call, Why.STOP)
        assert isinstance(await task, GivenBack)
        assert reached == []

    asyncio.run(main())


def test_the_first_reason_to_stop_counts() -> None:
    async def main() -> None:
        executor, call = AioExecutor(), make_call(forever)
        task = await start(executor, call)
        executor.interrupt(call, Why.CANCEL)
        executor.interrupt(call, Why.STOP)
        assert isinstance(await task, Cancelled)
        assert task.cancelling() == 0

    asyncio.run(main())


def test_cleaning_up_after_a_cancellation_may_await() -> None:
    cleaned: list[str] = []

    async def careful() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            cleaned.append("yes")

    async def main() -> None:
        executor, call = AioExecutor(), make_call(careful)
        task = await start(executor, call)
        executor.interrupt(call, Why.STOP)
        assert isinstance(await task, GivenBack)

    asyncio.run(main())
    assert cleaned == ["yes"]


def test_an_error_while_cleaning_up_is_told_with_the_stop() -> None:
    async def clumsy() -> None:
        try:
            await forever()
        finally:
            raise ValueError("lost my keys")

    async def main() -> None:
        executor, call = AioExecutor(), make_call(clumsy, timeout=2)
        task = await start(executor, call)
        executor.interrupt(call, Why.TIMEOUT)
        outcome = await task
        assert isinstance(outcome, Failed)
        assert outcome.types[0] == "queuemgr.errors.TimedOut"
        assert "ValueError: lost my keys" in outcome.error["message"]

    asyncio.run(main())


def test_a_coroutine_that_ends_by_itself_once_it_is_asked_to_is_stopped_not_done() -> None:
    async def polite() -> None:
        while not current_job().stopping:
            try:
                await forever()
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        executor, call = AioExecutor(), make_call(polite)
        task = await start(executor, call)
        executor.interrupt(call, Why.CANCEL)
        assert await task == Cancelled("cancelled while running, when it had been asked to")
        assert task.cancelling() == 0

    asyncio.run(main())


def test_a_swallowed_cancellation_is_repeated() -> None:
    async def stubborn(times: int) -> None:
        for _ in range(times):
            try:
                await forever()
            except asyncio.CancelledError:
                continue
        await forever()

    async def main() -> None:
        executor, call = AioExecutor(grace=0.01, tries=4), make_call(stubborn, 3)
        task = await start(executor, call)
        executor.interrupt(call, Why.TIMEOUT)
        assert isinstance(await task, Failed)
        assert task.cancelling() == 0

    asyncio.run(main())


def test_one_that_swallows_every_cancellation_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def immortal() -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        executor, call = AioExecutor(grace=0.01, tries=2), make_call(immortal)
        task = await start(executor, call)
        executor.interrupt(call, Why.CANCEL)
        while not caplog.messages:
            await asyncio.sleep(0.005)
        assert not task.done()
        release.set()
        assert isinstance(await task, Cancelled)
        assert call.lease.id in caplog.text
        assert "immortal" in caplog.text
        assert "swallowed CancelledError 2 times" in caplog.text

    asyncio.run(main())


def test_a_job_that_has_itself_interrupted_leaves_no_cancellation_for_the_worker() -> None:
    async def main() -> None:
        executor = AioExecutor()

        async def suicidal() -> int:
            executor.interrupt(call, Why.CANCEL)
            return 1

        call = make_call(suicidal)
        task = asyncio.current_task()
        assert task is not None
        assert isinstance(await executor.run(call), Cancelled)
        await asyncio.sleep(0)
        assert task.cancelling() == 0

    asyncio.run(main())


def test_a_job_that_has_itself_interrupted_is_cancelled_at_its_next_await() -> None:
    async def main() -> None:
        executor = AioExecutor()

        async def suicidal() -> None:
            executor.interrupt(call, Why.CANCEL)
            await forever()

        call = make_call(suicidal)
        outcome = await executor.run(call)
        assert outcome == Cancelled("cancelled while running, by cancelling its coroutine")

    asyncio.run(main())


def test_a_cancellation_from_outside_goes_through() -> None:
    async def main() -> None:
        executor, call = AioExecutor(), make_call(forever)
        task = await start(executor, call)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert call.why is None

    asyncio.run(main())


def test_a_cancellation_from_outside_goes_through_even_when_a_stop_was_asked_for() -> None:
    async def main() -> None:
        executor, call = AioExecutor(), make_call(forever)
        task = await start(executor, call)
        executor.interrupt(call, Why.TIMEOUT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_time_limit_of_the_tasks_own_is_its_own_error() -> None:
    async def limited() -> None:
        async with asyncio.timeout(0.001):
            await forever()

    outcome = run(make_call(limited))
    assert isinstance(outcome, Failed)
    assert outcome.types[0] == "builtins.TimeoutError"


def test_a_task_group_of_the_job_is_cancelled_with_it() -> None:
    ended: list[str] = []

    async def member(name: str) -> None:
        try:
            await forever()
        finally:
            ended.append(name)

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(member("a"))
            tasks.create_task(member("b"))

    async def main() -> None:
        executor, call = AioExecutor(), make_call(group)
        task = await start(executor, call)
        await asyncio.sleep(0)
        executor.interrupt(call, Why.STOP)
        assert isinstance(await task, GivenBack)

    asyncio.run(main())
    assert sorted(ended) == ["a", "b"]


def test_interrupting_what_has_ended_does_nothing() -> None:
    async def main() -> None:
        executor, call = AioExecutor(), make_call(add, 1, 2)
        await executor.run(call)
        executor.interrupt(call, Why.TIMEOUT)
        await asyncio.sleep(0)

    asyncio.run(main())


def test_closing_stops_whatever_runs_and_waits_for_it() -> None:
    async def main() -> None:
        executor, calls = AioExecutor(), [make_call(forever) for _ in range(3)]
        tasks = [await start(executor, call) for call in calls]
        await executor.close()
        assert [type(await task) for task in tasks] == [GivenBack] * 3

    asyncio.run(main())


def test_closing_does_not_wait_for_ever() -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def immortal() -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        executor, call = AioExecutor(grace=0.02, tries=2), make_call(immortal)
        task = await start(executor, call)
        await executor.close()
        assert not task.done()
        release.set()
        await task

    asyncio.run(main())


def test_a_run_leaves_nothing_behind_in_the_executor() -> None:
    async def main() -> None:
        executor = AioExecutor()
        ended, stopped = make_call(add, 1, 2), make_call(forever)
        await executor.run(ended)
        task = await start(executor, stopped)
        executor.interrupt(stopped, Why.STOP)
        await task
        assert (executor._running, executor._requests) == ({}, {})

    asyncio.run(main())


def test_the_call_of_a_stack_is_found_from_within_its_code_only() -> None:
    async def looks() -> bool:
        return AioExecutor.call_of(sys._getframe()) is call

    call = make_call(looks)
    assert run(call) == Done(CODEC.encode(True))
    assert AioExecutor.call_of(sys._getframe()) is None


def test_an_exception_may_be_raised_in_the_calls_code_but_not_in_that_of_asyncio() -> None:
    seen: list[bool] = []

    class Nosy:
        """Looked at from inside of asyncio, which formats what a handle calls."""

        def __repr__(self) -> str:
            seen.append(AioExecutor.may_raise(sys._getframe(), call))
            return "nosy"

    async def looks() -> bool:
        repr(asyncio.Handle(print, (Nosy(),), asyncio.get_running_loop()))
        return AioExecutor.may_raise(sys._getframe(), call)

    call, other = make_call(looks), make_call(looks)
    assert run(call) == Done(CODEC.encode(True))
    assert not AioExecutor.may_raise(sys._getframe(), other)
    assert seen == [False]


def test_an_exception_may_be_raised_in_a_task_that_the_call_started() -> None:
    async def looks() -> bool:
        return AioExecutor.may_raise(sys._getframe(), call)

    async def parent() -> bool:
        return await asyncio.create_task(looks())

    call = make_call(parent)
    assert run(call) == Done(CODEC.encode(True))
