"""Jobs that block the loop or hold the GIL are named, with real loops and threads."""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import logging
import re
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from queuemgr.executor import Call
from queuemgr.executors.aio import AioExecutor
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.outcome import Done
from queuemgr.watchdog import SIGNAL, Watchdog
from tests.executors.calls import make_call
from tests.executors.watchdog_rig import THRESHOLD, WatchedClock, block_until, petted, run, until, watched
from tests.pace import quickest


def hold_gil(seconds: float) -> None:
    """Keep every Python thread from running: PyDLL does not let go of the GIL."""
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


def end_of_block(caplog: pytest.LogCaptureFixture, function: str) -> str:
    """A busy machine may have held up the loop as well, elsewhere."""
    [told] = [text for text in caplog.messages if "goes on after" in text and f"in {function}" in text]
    return told


def seconds_of(told: str) -> float:
    return float(re.findall(r"goes on after (\S+) s", told)[0])


def open_files() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def test_a_loop_that_is_not_blocked_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock = WatchedClock()
        async with watched(clock=clock) as watchdog:
            for _ in range(4):
                clock.advance(THRESHOLD)
                seen = clock.looks
                await until(lambda seen=seen: clock.looks >= seen + 2)  # type: ignore[misc]
                await petted(watchdog)

    asyncio.run(main())
    assert caplog.messages == []


def test_a_short_block_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    clock = WatchedClock()

    def blocks() -> None:
        clock.turn(THRESHOLD)
        clock.advance(0.4 * THRESHOLD)  # a pet is due after half of the threshold: it is late by nine tenths
        seen = clock.looks
        block_until(lambda: clock.looks >= seen + 3)

    assert run(make_call(blocks), clock=clock) == Done()
    assert caplog.messages == []


def test_a_job_that_blocks_the_loop_is_named_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    clock = WatchedClock()

    async def blocks() -> None:
        clock.turn(0.35)

    call = make_call(blocks)
    assert run(call, clock=clock) == Done()
    begun, ended = caplog.records
    assert (begun.name, begun.levelno) == ("queuemgr.worker", logging.WARNING)
    assert f"blocked for 0.1 s by job {call.lease.id} (blocks), which does not await" in begun.message
    assert "clock.turn(0.35)" in begun.message
    assert begun.threadName == "queuemgr-watchdog"
    assert f"goes on after 0.3 s: it was blocked by job {call.lease.id} (blocks)" in ended.message


def test_every_block_is_named_once_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    clock = WatchedClock()

    async def first() -> None:
        clock.turn(0.25)

    async def second() -> None:
        clock.turn(0.25)

    async def main() -> None:
        async with watched(clock=clock) as watchdog:
            for function in (first, second):
                await asyncio.create_task(AioExecutor().run(make_call(function)))
                await petted(watchdog)

    asyncio.run(main())
    named = [re.findall(r"job \S+ \((first|second)\)", text)[0] for text in caplog.messages]
    assert named == ["first", "first", "second", "second"]


def test_a_task_of_the_worker_itself_goes_by_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    clock = WatchedClock()

    async def settles() -> None:
        clock.turn(0.25)

    async def main() -> None:
        async with watched(clock=clock):
            await asyncio.create_task(settles(), name="settling")
        async with watched(clock=clock, describe=lambda task: f"<{task.get_name()}>"):
            await asyncio.create_task(settles(), name="settling")

    asyncio.run(main())
    assert "by settling, which does not await" in caplog.messages[0]
    assert "by <settling>, which does not await" in caplog.messages[2]


def test_a_callback_is_no_job(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock = WatchedClock()
        async with watched(clock=clock):
            asyncio.get_running_loop().call_soon(clock.turn, 0.25)
            await asyncio.sleep(0)

    asyncio.run(main())
    assert "by code that is no job's" in caplog.messages[0]


@pytest.mark.skipif(not hasattr(asyncio.Task, "get_context"), reason="Python 3.12 shows the context of a task")
def test_a_task_that_a_job_started_is_the_jobs(caplog: pytest.LogCaptureFixture) -> None:
    async def child() -> None:
        block_until(lambda: caplog.messages)

    async def parent() -> None:
        await asyncio.create_task(child())

    call = make_call(parent)
    run(call)
    assert f"by a task of job {call.lease.id} (parent)" in caplog.messages[0]


def test_a_job_that_holds_the_gil_is_named_with_what_it_called(caplog: pytest.LogCaptureFixture) -> None:
    async def greedy() -> None:
        hold_gil(0.6)
        # The interpreter may let this thread go on before the one that watches.
        block_until(lambda: "which held the GIL for" in caplog.text)

    call = make_call(greedy)
    assert run(call) == Done()
    text = "\n".join(caplog.messages)
    assert f"job {call.lease.id} (greedy)" in text
    assert "which held the GIL for" in text
    ended = end_of_block(caplog, "greedy")
    assert seconds_of(ended) >= 0.5
    assert "While nothing in Python could run:\nevent loop: " in ended
    assert "in hold_gil" in ended


def test_a_job_in_a_thread_that_holds_the_gil_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def greedy() -> None:
        hold_gil(0.6)
        block_until(lambda: "goes on after" in caplog.text)

    async def main() -> None:
        executor = ThreadExecutor(1)
        await executor.open()
        async with watched(threads=executor.running):
            await executor.run(call)
        await executor.close()

    call = make_call(greedy)
    asyncio.run(main())
    ended = end_of_block(caplog, "greedy")
    assert "GIL" in caplog.text
    assert f"job {call.lease.id} (greedy)" in ended.partition("\n")[0]
    assert f"job {call.lease.id} (greedy): Thread" in ended
    assert "in hold_gil" in ended


def test_an_error_in_what_the_worker_gave_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> list[Call]:
        raise RuntimeError("changed size during iteration")

    async def blocks() -> None:
        block_until(lambda: "it watches on" in caplog.text)

    run(make_call(blocks), overdue=broken)
    assert "it watches on" in caplog.text
    assert "goes on after" in caplog.messages[-1]


def test_closing_leaves_no_thread_descriptor_timer_or_handler() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        files, threads, in_kernel = open_files(), set(threading.enumerate()), psutil.Process().num_threads()
        handler = signal.getsignal(SIGNAL)
        watchdog = Watchdog(loop, 600)  # so that nothing which it leaves behind ends by itself
        watchdog.open()
        assert signal.getsignal(SIGNAL) != handler
        assert set(threading.enumerate()) > threads
        watchdog.close()
        assert signal.getsignal(SIGNAL) == handler
        assert set(threading.enumerate()) == threads
        assert open_files() == files
        # An armed timer of faulthandler is a thread that only the kernel knows, for a moment longer than its end.
        await until(lambda: psutil.Process().num_threads() <= in_kernel)

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
        due = watchdog._due
        await until(lambda: watchdog._due > due)
        before = time.process_time()
        await asyncio.sleep(1.2)  # what it costs meanwhile is what is measured
        used = time.process_time() - before
        watchdog.close()
        return used / 1.2

    # Measured alone it is below 0.1 %; here the bound leaves room for what else the process does.
    assert quickest(lambda: asyncio.run(main()), 0.02) < 0.02
