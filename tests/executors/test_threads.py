"""Jobs in threads: what a run is worth, and what the threads are."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr import fault
from queuemgr.context import Snooze, current, current_job
from queuemgr.executor import Call, Executor, Why
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.outcome import Done, Failed, Outcome, Snoozed, Undecodable
from tests.executors.calls import CODEC, make_call
from tests.executors.thread_rig import Busy, opened, start, until

if TYPE_CHECKING:
    from collections.abc import Callable


def run(call: Call) -> Outcome:
    async def main() -> Outcome:
        async with opened() as executor:
            return await executor.run(call)

    return asyncio.run(main())


def value_of(function: Callable[..., Any], *args: Any) -> Any:
    outcome = run(make_call(function, *args))
    assert isinstance(outcome, Done), outcome
    return CODEC.decode(outcome.result) if outcome.result is not None else None


def opaque() -> object:
    return object()


def test_it_is_an_executor() -> None:
    executor: Executor = ThreadExecutor(1)
    assert executor.interrupt(make_call(print), Why.STOP) is None


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


def test_the_fault_point_lies_before_the_tasks_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr(fault, "point", reached.append)
    assert isinstance(run(make_call(reached.append, "code")), Done)
    assert reached == ["run.inside", "code"]
