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
from typing import TYPE_CHECKING

import psutil
import pytest

from queuemgr.executor import Call
from queuemgr.executors.aio import AioExecutor
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.outcome import Done
from queuemgr.watchdog import SIGNAL, Watchdog
from tests.executors.calls import make_call
from tests.executors.watchdog_rig import THRESHOLD, run, watched

if TYPE_CHECKING:
    pass


def hold_gil(seconds: float) -> None:
    """Keep every Python thread from running: PyDLL does not let go of the GIL."""
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


def end_of_block(caplog: pytest.LogCaptureFixture) -> str:
    [told] = [text for text in caplog.messages if "goes on after" in text]
    return told


def open_files() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


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
    ended = end_of_block(caplog)
    assert "goes on after 0.6 s" in ended
    assert "While nothing in Python could run:\nevent loop: " in ended
    assert "in hold_gil" in ended
    assert "in greedy" in ended


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
    ended = end_of_block(caplog)
    assert "GIL" in caplog.text
    assert f"job {call.lease.id} (greedy)" in ended.partition("\n")[0]
    assert f"job {call.lease.id} (greedy): Thread" in ended
    assert "in hold_gil" in ended


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
        files, threads, in_kernel = open_files(), set(threading.enumerate()), psutil.Process().num_threads()
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
        # An armed timer of faulthandler is a thread that only the kernel knows, for a moment longer than its end.
        deadline = time.monotonic() + 1
        while psutil.Process().num_threads() > in_kernel:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)

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
        await asyncio.sleep(0.1)
        before = time.process_time()
        await asyncio.sleep(1.2)
        used = time.process_time() - before
        watchdog.close()
        return used / 1.2

    # Measured alone it is below 0.1 %; here the bound leaves room for what else the process does.
    assert asyncio.run(main()) < 0.02
