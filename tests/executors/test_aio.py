"""Coroutines in the worker's own loop: what a run is worth, and what it can see."""

from __future__ import annotations

import asyncio
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr import fault
from queuemgr.context import Cancel, Snooze, current, current_job
from queuemgr.executor import Call, Executor
from queuemgr.executors.aio import AioExecutor
from queuemgr.outcome import Cancelled, Done, Failed, Outcome, Snoozed, Undecodable
from tests.executors.calls import CODEC, make_call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def ends_as(outcome: Outcome, function: Callable[..., Any], *args: Any) -> bool:
    return run(make_call(function, *args)) == outcome


def run(call: Call) -> Outcome:
    return asyncio.run(AioExecutor().run(call))


def opaque() -> object:
    return object()


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


def test_the_call_of_a_stack_is_found_from_within_its_code_only() -> None:
    async def looks() -> bool:
        return AioExecutor.call_of(sys._getframe()) is call

    call = make_call(looks)
    assert run(call) == Done(CODEC.encode(True))
    assert AioExecutor.call_of(sys._getframe()) is None


def test_an_exception_may_be_raised_in_the_calls_code_but_not_in_that_of_asyncio() -> None:
    seen: list[bool] = []

    async def looks() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: seen.append(AioExecutor.may_raise(sys._getframe(), call)))
        loop.call_exception_handler({})
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


def test_an_exception_may_be_raised_in_such_a_task_whichever_loop_steps_it() -> None:
    def elsewhere(name: str, function: Any) -> FunctionType:
        return FunctionType(function.__code__, {**globals(), "__name__": name}, closure=function.__closure__)

    def step(callback: Callable[..., object], *args: Any) -> None:
        callback(*args)

    class AnotherLoop(asyncio.SelectorEventLoop):
        def call_soon(self, *given: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
            return super().call_soon(elsewhere("asyncio.another", step), *given, context=context)

    async def looks() -> bool:
        return AioExecutor.may_raise(sys._getframe(), call)

    async def parent() -> list[bool]:
        return [await asyncio.create_task(one()) for one in (looks, elsewhere("asyncio.tasks", looks))]

    call = make_call(parent)
    with asyncio.Runner(loop_factory=AnotherLoop) as loop:
        assert loop.run(AioExecutor().run(call)) == Done(CODEC.encode([True, False]))


def test_the_fault_point_lies_before_the_tasks_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr(fault, "point", reached.append)
    assert isinstance(run(make_call(reached.append, "code")), Done)
    assert reached == ["run.inside", "code"]
