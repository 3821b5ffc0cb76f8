"""Overdue jobs that block the loop are broken off by a signal, and where that cannot be, it is said."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from queuemgr.executor import Call, Why
from queuemgr.executors.aio import AioExecutor, Overrun
from queuemgr.outcome import Done, Failed, Outcome
from queuemgr.watchdog import SIGNAL
from tests.executors.calls import CODEC, make_call
from tests.executors.watchdog_rig import PATIENCE, block_until, run, watched

if TYPE_CHECKING:
    from collections.abc import Callable


def run_overdue(call: Call) -> Outcome:
    return run(call, overdue=lambda: [call])


def is_told(caplog: pytest.LogCaptureFixture) -> bool:
    return "cannot be stopped" in caplog.text


def is_timed_out(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.types[0] == "queuemgr.errors.TimedOut"


def test_an_overdue_loop_in_python_is_broken_off(caplog: pytest.LogCaptureFixture) -> None:
    async def spins() -> None:
        while True:
            pass

    call = make_call(spins, timeout=0.05)
    outcome = run_overdue(call)
    assert is_timed_out(outcome)
    assert isinstance(outcome, Failed)
    assert outcome.error["message"] == "stopped after 0.05 s by interrupting its blocking code"
    assert (call.why, call.context.stopping) == (Why.TIMEOUT, True)
    assert not [text for text in caplog.messages if "cannot be stopped" in text]


def sleeps() -> None:
    time.sleep(30)


def waits() -> None:
    threading.Event().wait(30)


def receives() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.recv(1)


@pytest.mark.parametrize("function", [sleeps, waits, receives])
def test_an_overdue_call_of_the_system_that_heeds_signals_is_broken_off(function: Callable[[], None]) -> None:
    assert is_timed_out(run_overdue(make_call(function, timeout=0.05)))


def test_an_overdue_plain_function_is_broken_off() -> None:
    def spins() -> None:
        while True:
            pass

    assert is_timed_out(run_overdue(make_call(spins, timeout=0.05)))


def test_an_overdue_task_of_the_job_is_broken_off_and_ends_the_job() -> None:
    async def spins() -> None:
        while True:
            pass

    async def parent() -> None:
        await asyncio.create_task(spins())

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(spins())

    for function in (parent, group):
        outcome = run_overdue(make_call(function, timeout=0.05))
        assert is_timed_out(outcome)
        assert isinstance(outcome, Failed)
        assert "by interrupting" in outcome.error["message"]


def test_cleaning_up_goes_on_after_an_interruption() -> None:
    cleaned: list[str] = []

    async def spins() -> None:
        try:
            while True:
                pass
        finally:
            await asyncio.sleep(0)
            cleaned.append("yes")

    assert is_timed_out(run_overdue(make_call(spins, timeout=0.05)))
    assert cleaned == ["yes"]


def test_the_loop_and_the_next_job_are_unharmed() -> None:
    async def spins() -> None:
        while True:
            pass

    async def adds() -> int:
        await asyncio.sleep(0)
        return 1

    async def main() -> None:
        executor = AioExecutor()
        call = make_call(spins, timeout=0.05)
        async with watched(overdue=lambda: [call]):
            assert is_timed_out(await asyncio.create_task(executor.run(call)))
            assert await asyncio.create_task(executor.run(make_call(adds))) == Done(CODEC.encode(1))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(main())


def test_a_job_that_is_in_time_is_left_alone_while_another_is_overdue(caplog: pytest.LogCaptureFixture) -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    looks: list[Call] = []

    async def blocks() -> int:
        block_until(lambda: len(looks) >= 12)
        return 1

    async def main() -> None:
        executor, late, good = AioExecutor(), make_call(waits, timeout=0.01), make_call(blocks)
        async with watched(overdue=lambda: looks.append(late) or [late]):
            waiting = asyncio.create_task(executor.run(late))
            await asyncio.sleep(0)
            assert await asyncio.create_task(executor.run(good)) == Done(CODEC.encode(1))
            assert (late.why, is_told(caplog)) == (None, False)
            executor.interrupt(late, Why.TIMEOUT)
            assert is_timed_out(await waiting)

    asyncio.run(main())


def test_the_worker_is_never_interrupted_in_its_own_code(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        executor, call = AioExecutor(), make_call(asyncio.sleep, 0)
        async with watched(overdue=lambda: [call]):
            await executor.run(call)
            block_until(lambda: is_told(caplog))

    asyncio.run(main())
    assert "it sits where breaking it off would do damage" in caplog.text


def test_c_code_that_heeds_no_signal_is_told_of_honestly(caplog: pytest.LogCaptureFixture) -> None:
    async def calls_c() -> None:
        # Its handler runs once Python does again: a C function that is interrupted may just go on.
        signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        try:
            block_until(lambda: is_told(caplog))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {SIGNAL})

    call = make_call(calls_c, timeout=0.05)
    assert is_timed_out(run_overdue(call))
    [told] = [text for text in caplog.messages if "cannot be stopped" in text]
    assert f"job {call.lease.id} (calls_c) is overdue" in told
    assert "it sits in C code" in told
    assert "executor='process'" in told


def test_code_that_catches_everything_is_told_of_honestly(caplog: pytest.LogCaptureFixture) -> None:
    end = time.monotonic() + PATIENCE

    async def immune() -> None:
        while time.monotonic() < end:
            try:
                block_until(lambda: is_told(caplog))
                return
            except BaseException:
                continue

    call = make_call(immune, timeout=0.05)
    assert is_timed_out(run_overdue(call))
    assert [text for text in caplog.messages if "cannot be stopped: it catches every exception" in text]


def test_a_loop_outside_of_the_main_thread_is_told_of_honestly(caplog: pytest.LogCaptureFixture) -> None:
    async def spins() -> int:
        block_until(lambda: is_told(caplog))
        return 1

    outcomes: list[Outcome] = []
    call = make_call(spins, timeout=0.05)
    thread = threading.Thread(target=lambda: outcomes.append(run_overdue(call)))
    thread.start()
    thread.join()
    assert outcomes == [Done(CODEC.encode(1))]
    [told] = [text for text in caplog.messages if "cannot be stopped" in text]
    assert f"job {call.lease.id} (spins) is overdue" in told
    assert "does not run in the main thread" in told


def test_a_signal_that_somebody_uses_is_left_to_them(caplog: pytest.LogCaptureFixture) -> None:
    def theirs(signum: int, frame: object) -> None: ...

    async def spins() -> None:
        block_until(lambda: is_told(caplog))

    before = signal.signal(SIGNAL, theirs)
    try:
        assert run_overdue(make_call(spins, timeout=0.05)) == Done()
        assert signal.getsignal(SIGNAL) is theirs
    finally:
        signal.signal(SIGNAL, before)
    [told] = [text for text in caplog.messages if "cannot be stopped" in text]
    assert "is used by somebody else" in told


def test_a_coroutine_that_swallows_the_interruption_and_waits_is_cancelled() -> None:
    async def stubborn() -> None:
        try:
            while True:
                pass
        except BaseException:
            await asyncio.Event().wait()

    async def main() -> None:
        executor, call = AioExecutor(grace=0.02), make_call(stubborn, timeout=0.05)
        async with watched(overdue=lambda: [call]):
            outcome = await asyncio.create_task(executor.run(call))
        assert is_timed_out(outcome)
        assert isinstance(outcome, Failed)
        assert "by cancelling its coroutine" in outcome.error["message"]

    asyncio.run(main())


def test_a_task_of_the_job_that_nobody_awaits_does_not_hide_the_time_out_of_the_job() -> None:
    async def spins() -> None:
        while True:
            pass

    broken_off = asyncio.Event()

    async def forgetful() -> None:
        task = asyncio.create_task(spins())
        await asyncio.wait([task])
        assert isinstance(task.exception(), Overrun)
        broken_off.set()
        await asyncio.Event().wait()

    async def main() -> None:
        executor, call = AioExecutor(), make_call(forgetful, timeout=0.05)
        async with watched(overdue=lambda: [call]):
            running = asyncio.create_task(executor.run(call))
            async with asyncio.timeout(PATIENCE):
                await broken_off.wait()
            assert (call.why, call.context.stopping) == (None, True)
            executor.interrupt(call, Why.TIMEOUT)  # as the worker does with its own timer
            assert is_timed_out(await running)

    asyncio.run(main())
