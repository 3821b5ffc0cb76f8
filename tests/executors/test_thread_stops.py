"""Stopping jobs in threads: a stop hits the job that it is meant for, or nobody."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.context import current_job
from queuemgr.executor import Why
from queuemgr.executors import threads
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.outcome import Cancelled, Done, Failed, GivenBack, Outcome
from tests.executors.calls import CODEC, make_call
from tests.executors.thread_rig import Busy, InC, opened, start, until

if TYPE_CHECKING:
    pass


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
            executor.interrupt(call, Why.STOP)
            assert isinstance(await task, GivenBack)
            assert reached == []

    asyncio.run(main())


def test_interrupting_what_has_ended_disturbs_nobody() -> None:
    async def main() -> None:
        async with opened() as executor:
            call = make_call(lambda: None)
            assert await executor.run(call) == Done()
            assert executor.interrupt(call, Why.TIMEOUT) is None
            assert await executor.run(make_call(lambda: 1)) == Done(CODEC.encode(1))

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
            assert executor.interrupt(call, Why.CANCEL) is None
            assert (call.why, call.context.stopping) == (None, False)
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
    in_c = InC()

    async def main() -> None:
        async with opened(grace=0.1) as executor:
            call = make_call(in_c.stay)
            task = await start(executor, call, in_c.began)
            executor.interrupt(call, Why.CANCEL)
            work = executor._works[call]
            await until(lambda: work.raised == threads.RAISES)
            assert not task.done()
            [told] = caplog.messages
            assert call.lease.id in told
            assert "before it returns" in told
            assert "executor='process'" in told
            assert "self._away.acquire()" in told
            in_c.come_back()
            assert isinstance(await task, Cancelled)
            assert len(caplog.messages) == 1

    asyncio.run(main())


def test_the_log_stays_quiet_when_a_stop_works(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with opened(grace=60) as executor:
            busy = Busy()
            call = make_call(busy)
            task = await start(executor, call, busy.began)
            executor.interrupt(call, Why.STOP)
            complaint = executor._works[call].timer
            await task
            assert complaint is not None
            assert complaint.cancelled()

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
            if chance.random() < 0.8 and call in executor._works:
                executor.interrupt(call, Why.CANCEL)
            outcome = await task
            seen.append(type(outcome).__name__)
            # Cancelled exactly where the stop was accepted, and never anything else.
            assert isinstance(outcome, Done if call.why is None else Cancelled), outcome
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
    in_c = InC()
    before = set(threading.enumerate())

    async def main() -> None:
        executor = ThreadExecutor(2, grace=0.05)
        await executor.open()
        task = await start(executor, make_call(in_c.stay), in_c.began)
        await executor.close()
        assert not task.done()
        task.cancel()

    asyncio.run(main())
    assert "self._away.acquire()" in caplog.text
    left = set(threading.enumerate()) - before
    assert len(left) == 1
    # It comes back to a loop that is closed, and ends.
    in_c.come_back()
    for thread in left:
        thread.join(60)
        assert not thread.is_alive()


def test_closing_an_executor_that_never_ran_anything_is_quick() -> None:
    async def main() -> None:
        async with opened():
            pass

    asyncio.run(main())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("queuemgr-thread")]


def test_a_stop_that_arrives_just_after_the_tasks_code_is_still_that_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    def arrives(error: BaseException) -> Outcome:
        call.why = Why.CANCEL
        raise threads._Stop

    def fails() -> None:
        raise ValueError

    async def main() -> None:
        async with opened(size=1) as executor:
            assert await executor.run(call) == Cancelled(
                "cancelled while running, by raising an exception in its thread, just as it ended"
            )
            assert await executor.run(make_call(lambda: None)) == Done()

    call = make_call(fails)
    monkeypatch.setattr(threads, "outcome_of_error", arrives)
    asyncio.run(main())
