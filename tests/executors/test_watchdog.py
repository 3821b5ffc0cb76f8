"""Jobs that block the loop or hold the GIL are named, and overdue ones are broken off: with real signals."""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import logging
import re
import signal
import socket
import threading
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from queuemgr.executor import Call, Why
from queuemgr.executors.aio import AioExecutor
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.outcome import Done, Failed, Outcome
from queuemgr.watchdog import SIGNAL, Watchdog
from tests.executors.calls import CODEC, make_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

THRESHOLD = 0.1


@asynccontextmanager
async def watched(**options: Any) -> AsyncIterator[Watchdog]:
    watchdog = Watchdog(asyncio.get_running_loop(), THRESHOLD, **options)
    watchdog.open()
    try:
        yield watchdog
    finally:
        await asyncio.sleep(THRESHOLD)  # it tells of the end of a block with its next pet
        watchdog.close()


def run(call: Call, **options: Any) -> Outcome:
    """Run it as a worker does, in a task of its own, watched."""

    async def main() -> Outcome:
        async with watched(**options):
            return await asyncio.create_task(AioExecutor().run(call), name="the worker's own")

    return asyncio.run(main())


def run_overdue(call: Call) -> Outcome:
    return run(call, overdue=lambda: [call])


def hold_gil(seconds: float) -> None:
    """Keep every Python thread from running: PyDLL does not let go of the GIL."""
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


def open_files() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def is_timed_out(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.types[0] == "queuemgr.errors.TimedOut"


def test_a_loop_that_is_not_blocked_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    async def naps() -> None:
        for _ in range(10):
            await asyncio.sleep(THRESHOLD / 4)

    assert run(make_call(naps)) == Done()
    assert caplog.messages == []


def test_a_short_block_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    assert run(make_call(lambda: time.sleep(THRESHOLD / 2))) == Done()
    assert caplog.messages == []


def test_a_job_that_blocks_the_loop_is_named_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    async def blocks() -> None:
        time.sleep(0.3)

    call = make_call(blocks)
    assert run(call) == Done()
    begun, ended = caplog.records
    assert (begun.name, begun.levelno) == ("queuemgr.worker", logging.WARNING)
    assert f"by job {call.lease.id} (blocks), which does not await" in begun.message
    assert "time.sleep(0.3)" in begun.message
    assert begun.threadName == "queuemgr-watchdog"
    assert f"goes on after 0.3 s: it was blocked by job {call.lease.id} (blocks)" in ended.message


def test_every_block_is_named_once_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    async def first() -> None:
        time.sleep(0.25)

    async def second() -> None:
        time.sleep(0.25)

    async def main() -> None:
        async with watched():
            for function in (first, second):
                await asyncio.create_task(AioExecutor().run(make_call(function)))
                await asyncio.sleep(THRESHOLD)

    asyncio.run(main())
    assert [re.findall("first|second", text)[0] for text in caplog.messages] == ["first", "first", "second", "second"]


def test_a_task_of_the_worker_itself_goes_by_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    async def settles() -> None:
        time.sleep(0.2)

    async def main() -> None:
        async with watched():
            await asyncio.create_task(settles(), name="settling")
        async with watched(describe=lambda task: f"<{task.get_name()}>"):
            await asyncio.create_task(settles(), name="settling")

    asyncio.run(main())
    assert "by settling, which does not await" in caplog.messages[0]
    assert "by <settling>, which does not await" in caplog.messages[2]


def test_a_callback_is_no_job(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with watched():
            asyncio.get_running_loop().call_soon(time.sleep, 0.2)

    asyncio.run(main())
    assert "by code that is no job's" in caplog.messages[0]


@pytest.mark.skipif(not hasattr(asyncio.Task, "get_context"), reason="Python 3.12 shows the context of a task")
def test_a_task_that_a_job_started_is_the_jobs(caplog: pytest.LogCaptureFixture) -> None:
    async def child() -> None:
        time.sleep(0.2)

    async def parent() -> None:
        await asyncio.create_task(child())

    call = make_call(parent)
    run(call)
    assert f"by a task of job {call.lease.id} (parent)" in caplog.messages[0]


def test_a_job_that_holds_the_gil_is_named_with_what_it_called(caplog: pytest.LogCaptureFixture) -> None:
    async def greedy() -> None:
        hold_gil(0.6)

    call = make_call(greedy)
    assert run(call) == Done()
    text = "\n".join(caplog.messages)
    assert f"job {call.lease.id} (greedy)" in text
    assert "which held the GIL for" in text
    assert "goes on after 0.6 s" in caplog.messages[-1]
    assert "While nothing in Python could run:\nevent loop: " in caplog.messages[-1]
    assert "in hold_gil" in caplog.messages[-1]
    assert "in greedy" in caplog.messages[-1]


def test_a_job_in_a_thread_that_holds_the_gil_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def greedy() -> None:
        hold_gil(0.6)
        time.sleep(0.1)

    async def main() -> None:
        executor = ThreadExecutor(1)
        await executor.open()
        async with watched(threads=executor.running):
            await executor.run(call)
        await executor.close()

    call = make_call(greedy)
    asyncio.run(main())
    assert "GIL" in caplog.messages[0]
    assert f"job {call.lease.id} (greedy)" in caplog.messages[0]
    assert f"While nothing in Python could run:\njob {call.lease.id} (greedy): Thread" in caplog.messages[-1]
    assert "in hold_gil" in caplog.messages[-1]


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


def test_a_job_that_is_in_time_is_left_alone_while_another_is_overdue() -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    async def blocks() -> int:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
        return 1

    async def main() -> None:
        executor, late, good = AioExecutor(), make_call(waits, timeout=0.01), make_call(blocks)
        async with watched(overdue=lambda: [late]):
            waiting = asyncio.create_task(executor.run(late))
            await asyncio.sleep(0)
            assert await asyncio.create_task(executor.run(good)) == Done(CODEC.encode(1))
            assert late.why is None
            executor.interrupt(late, Why.TIMEOUT)
            assert is_timed_out(await waiting)

    asyncio.run(main())


def test_the_worker_is_never_interrupted_in_its_own_code() -> None:
    async def main() -> None:
        executor, call = AioExecutor(), make_call(asyncio.sleep, 0)
        async with watched(overdue=lambda: [call]):
            await executor.run(call)
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                pass

    asyncio.run(main())


def test_c_code_that_heeds_no_signal_is_told_of_honestly(caplog: pytest.LogCaptureFixture) -> None:
    async def calls_c() -> None:
        # Its handler runs once Python does again: a C function that is interrupted may just go on.
        signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        try:
            time.sleep(0.4)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {SIGNAL})

    call = make_call(calls_c, timeout=0.05)
    assert is_timed_out(run_overdue(call))
    [told] = [text for text in caplog.messages if "cannot be stopped" in text]
    assert f"job {call.lease.id} (calls_c) is overdue" in told
    assert "it sits in C code" in told
    assert "executor='process'" in told


def test_code_that_catches_everything_is_told_of_honestly(caplog: pytest.LogCaptureFixture) -> None:
    async def immune() -> None:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            with suppress(BaseException):
                while time.monotonic() < end:
                    pass

    call = make_call(immune, timeout=0.05)
    assert is_timed_out(run_overdue(call))
    assert [text for text in caplog.messages if "cannot be stopped: it catches every exception" in text]


def test_a_loop_outside_of_the_main_thread_is_told_of_honestly(caplog: pytest.LogCaptureFixture) -> None:
    async def spins() -> int:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
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
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass

    before = signal.signal(SIGNAL, theirs)
    try:
        assert run_overdue(make_call(spins, timeout=0.05)) == Done()
        assert signal.getsignal(SIGNAL) is theirs
    finally:
        signal.signal(SIGNAL, before)
    [told] = [text for text in caplog.messages if "cannot be stopped" in text]
    assert "is used by somebody else" in told


def test_an_error_in_what_the_worker_gave_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> list[Call]:
        raise RuntimeError("changed size during iteration")

    async def blocks() -> None:
        time.sleep(0.2)

    run(make_call(blocks), overdue=broken)
    assert "it watches on" in caplog.text
    assert "goes on after" in caplog.messages[-1]


def test_closing_leaves_no_thread_descriptor_timer_or_handler() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        files, threads = open_files(), set(threading.enumerate())
        handler = signal.getsignal(SIGNAL)
        watchdog = Watchdog(loop, THRESHOLD)
        watchdog.open()
        assert signal.getsignal(SIGNAL) != handler
        assert set(threading.enumerate()) > threads
        await asyncio.sleep(THRESHOLD)
        watchdog.close()
        assert signal.getsignal(SIGNAL) == handler
        assert set(threading.enumerate()) == threads
        assert open_files() == files
        # An armed timer of faulthandler is a thread that only the kernel knows.
        assert psutil.Process().num_threads() == threading.active_count()

    faulthandler.cancel_dump_traceback_later()
    asyncio.run(main())


def test_closing_what_was_never_opened_is_no_error() -> None:
    async def main() -> None:
        Watchdog(asyncio.get_running_loop()).close()

    asyncio.run(main())


def test_a_dead_stop_of_the_whole_watch_does_not_outlive_its_loop() -> None:
    async def main() -> Watchdog:
        watchdog = Watchdog(asyncio.get_running_loop(), THRESHOLD)
        watchdog.open()
        return watchdog

    watchdog = asyncio.run(main())
    watchdog.close()
    assert "queuemgr-watchdog" not in {thread.name for thread in threading.enumerate()}


def test_an_idle_watchdog_costs_next_to_nothing() -> None:
    async def main() -> float:
        watchdog = Watchdog(asyncio.get_running_loop(), 1.0)
        watchdog.open()
        before = time.process_time()
        await asyncio.sleep(1.3)
        used = time.process_time() - before
        watchdog.close()
        return used / 1.3

    # Measured at 0.03 %; the bound leaves room for a crowded machine.
    assert asyncio.run(main()) < 0.005
