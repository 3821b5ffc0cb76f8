"""Every way of stopping a coroutine, and that the worker's own asyncio task is unharmed by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.context import current_job
from queuemgr.executor import Call, Why
from queuemgr.executors.aio import AioExecutor
from queuemgr.outcome import Cancelled, Failed, GivenBack, Outcome
from tests.executors.calls import make_call

if TYPE_CHECKING:
    pass


def run(call: Call) -> Outcome:
    return asyncio.run(AioExecutor().run(call))


async def start(executor: AioExecutor, call: Call) -> asyncio.Task[Outcome]:
    """The run as a task of its own, at its first await."""
    task = asyncio.create_task(executor.run(call))
    await asyncio.sleep(0)
    return task


async def forever() -> None:
    await asyncio.Event().wait()


async def add(one: int, two: int) -> int:
    await asyncio.sleep(0)
    return one + two


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
