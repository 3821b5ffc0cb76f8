"""Runs tasks in threads of its own and stops them by raising there. It cannot stop code that sits in C."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import sys
import traceback
from collections import deque
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from inspect import isawaitable
from queue import SimpleQueue
from threading import RLock, Thread, get_ident
from typing import TYPE_CHECKING, Any

from queuemgr import fault
from queuemgr.context import current
from queuemgr.executor import (
    Why,
    describe,
    discard_unfinished,
    end_fork,
    outcome_of_error,
    outcome_of_value,
    stopped,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from queuemgr.executor import Call
    from queuemgr.outcome import Outcome

log = logging.getLogger("queuemgr.worker")

RAISES = 3  # how often an exception is raised in a thread that goes on


class ThreadExecutor:
    """Up to `size` daemon threads, started when they are needed.

    A run that was told to stop and goes on for `grace` seconds is named in the log, with its stack. It stays
    pending until its thread really ends it. An asynchronous task gets an event loop of its own in its thread.
    """

    def __init__(self, size: int = 32, grace: float = 2.0) -> None:
        self._size = size
        self._grace = grace
        self._threads: list[Thread] = []
        self._inbox = _Inbox()
        self._works: dict[Call, _Work] = {}
        self._finished: deque[tuple[_Work, Outcome]] = deque()
        self._woken = False
        self._idle: asyncio.Event | None = None

    async def open(self) -> None:
        """Bind it to the running event loop."""
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Stop whatever still runs and end the threads.

        A thread that sits in C code for `grace` seconds is left behind: it ends as soon as that code returns.
        """
        for call in list(self._works):
            self.interrupt(call, Why.STOP)
        if self._works:
            self._idle = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._grace):
                    await self._idle.wait()
        for work in self._works.values():
            self._complain(work)
        stuck = {work.ident for work in self._works.values()}
        self._inbox.close()
        for thread in self._threads:
            if thread.ident not in stuck:
                thread.join()
        self._threads.clear()

    async def run(self, call: Call) -> Outcome:
        """Run it in the next free thread. A cancellation stops its work, but does not wait for that."""
        if call.why is not None:
            return stopped(call, "before it began")
        work = self._works[call] = _Work(call, copy_context(), self._loop.create_future())
        self._inbox.put(work)
        if len(self._threads) < self._size and len(self._threads) < len(self._works):
            self._start_thread()
        try:
            return await work.future
        except asyncio.CancelledError:
            self.interrupt(call, Why.STOP)
            raise

    def interrupt(self, call: Call, why: Why) -> str | None:
        """Raise an exception in its thread. Called in the loop's thread; the first `why` counts.

        Always returns None: that it sits in C code shows only after `grace` seconds, and is told in the log. A run
        whose thread has just ended it keeps its own outcome.
        """
        work = self._works.get(call)
        if work is None:
            call.why = call.why or why
            call.context.stopping = True
        elif work.over or (call.why is None and not work.ask(why)):
            return None
        elif work.skip():
            self._settle(work, stopped(call, "before it began"))
        elif work.timer is None:
            work.stop()
            work.timer = self._loop.call_later(self._grace, self._again, work)
        return None

    def running(self) -> dict[int, str]:
        """What each busy thread executes, by the thread's identifier. May be called from any thread."""
        works = list(self._works.values())
        return {work.ident: _name(work.call) for work in works if work.ident and not work.over}

    def _start_thread(self) -> None:
        thread = Thread(target=self._serve, name=f"queuemgr-thread-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        inbox, finished = self._inbox, self._finished
        pid = os.getpid()
        while (work := inbox.take()) is not None:
            outcome = _perform(work)
            end_fork(pid)
            discard_unfinished(work.call.context)
            finished.append((work, outcome))
            if not self._woken:
                self._woken = True
                with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    self._loop.call_soon_threadsafe(self._collect)
            del work  # an idle thread keeps nothing of its last job alive

    def _collect(self) -> None:
        # Put down first: whoever appends after the last look below finds it down and wakes the loop again.
        self._woken = False
        finished = self._finished
        while finished:
            self._settle(*finished.popleft())

    def _settle(self, work: _Work, outcome: Outcome) -> None:
        if self._works.pop(work.call, None) is None:
            return  # it was skipped, and settled then
        if work.timer is not None:
            work.timer.cancel()
        if not work.future.done():
            work.future.set_result(outcome)
        if self._idle is not None and not self._works:
            self._idle.set()

    def _again(self, work: _Work) -> None:
        if work.over:
            return
        self._complain(work)
        if work.raised < RAISES:
            work.stop()
            work.timer = self._loop.call_later(self._grace, self._again, work)

    def _complain(self, work: _Work) -> None:
        frame = sys._current_frames().get(work.ident)
        if frame is None or work.over or work.complained:
            return
        work.complained = True
        log.warning(
            "%s was told to stop (%s) and still runs after %g s. If it sits in C code it cannot be stopped "
            "before it returns from there, and code that catches every exception cannot be stopped at all; "
            "with executor='process' it could be stopped. Its thread is here:\n%s",
            *(_name(work.call), work.call.why, self._grace, "".join(traceback.format_stack(frame))),
        )


class _Inbox:
    """Hands works to idle threads and wakes one thread at a time: a woken one that finds more wakes the next.

    Many short jobs are so done by few threads, without a change of thread for each. Where a job blocks, the next thread
    is awake already.
    """

    def __init__(self) -> None:
        self._works: deque[_Work] = deque()
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._waking = False
        self._open = True

    def put(self, work: _Work) -> None:
        self._works.append(work)
        self._wake()

    def take(self) -> _Work | None:
        """The next work, as soon as there is one; None once it is closed."""
        while True:
            try:
                work = self._works.popleft()
            except IndexError:
                if not self._open:
                    self._bell.put(True)
                    return None
                self._bell.get()
                # Put down before the next look: whoever puts a work in later finds it down and wakes somebody.
                self._waking = False
                continue
            if self._works:
                self._wake()
            return work

    def close(self) -> None:
        self._open = False
        self._bell.put(True)

    def _wake(self) -> None:
        if not self._waking:
            self._waking = True
            self._bell.put(True)


class _Stop(BaseException):
    """Raised in a job's thread to end the job."""


_raise_in = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)


@dataclass(slots=True, eq=False)
class _Work:
    """A call on its way through a thread.

    Two locks decide every race. Whoever takes the `ticket` starts the run or skips it. The `gate` is held for
    a moment by who raises in the thread, and taken for good by the thread once the run has ended: from then
    on nothing can be raised in it. `over` comes a little earlier, with the first step after the task's own
    code, and nothing is raised once it is set: so at most one exception ever arrives after that code.
    """

    call: Call
    scope: Context
    future: asyncio.Future[Outcome]
    ticket: list[bool] = field(default_factory=lambda: [True])
    gate: Any = field(default_factory=RLock)
    ident: int = 0
    over: bool = False
    raised: int = 0
    cancel: Callable[[], object] | None = None
    timer: asyncio.TimerHandle | None = None
    complained: bool = False

    def begin(self) -> bool:
        """Called by the thread. False where the run was skipped."""
        self.ident = get_ident()
        with suppress(IndexError):
            return self.ticket.pop()
        return False

    def skip(self) -> bool:
        """Whether it could be kept from being started."""
        with suppress(IndexError):
            return self.ticket.pop()
        return False

    def ask(self, why: Why) -> bool:
        """Say why it is to stop, unless it has just ended."""
        if not self.gate.acquire(blocking=False):
            return False
        self.call.why = why
        self.call.context.stopping = True
        self.gate.release()
        return True

    def stop(self) -> None:
        """Raise in the thread; a coroutine is cancelled, and only raised in if it goes on."""
        if not self.gate.acquire(blocking=False):
            return
        if self.cancel is not None:
            with suppress(RuntimeError):  # its loop is closed: it ends already
                self.cancel()
        if not self.over and (self.cancel is None or self.raised):
            _raise_in(self.ident, _Stop)
        self.raised += 1
        self.gate.release()

    def seal(self) -> None:
        """Called by the thread: from here on nothing is raised in it. What is on its way never arrives."""
        self.gate.acquire()
        if self.raised:
            _raise_in(self.ident, ctypes.py_object())


def _perform(work: _Work) -> Outcome:
    """Run it in this thread, unless it was skipped. No exception meant for this run outlives it."""
    call, how = work.call, "when it had been asked to"
    outcome: Outcome | None = None
    try:
        try:
            outcome = work.scope.run(_attempt, work)
        except BaseException as error:
            work.over = True
            outcome = outcome_of_error(error)
            how = _means(error) if call.why is not None else how
        work.seal()
    except _Stop:
        work.seal()
        how = "by raising an exception in its thread, just as it ended"
    return outcome if outcome is not None and call.why is None else stopped(call, how)


def _attempt(work: _Work) -> Outcome:
    call = work.call
    if not work.begin():
        return stopped(call, "before it began")
    current.set(call.context)
    args, kwargs = call.arguments()
    fault.point("run.inside")
    value = call.task.run(args, kwargs)
    if isawaitable(value):
        value = asyncio.run(_finish(work, value))
    work.over = True
    return outcome_of_value(value, call.codec, call.max_result, call.context)


async def _finish(work: _Work, value: Awaitable[Any]) -> Any:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        work.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
    if work.call.why is not None:
        raise asyncio.CancelledError
    return await value


def _means(error: BaseException) -> str:
    if isinstance(error, _Stop):
        return "by raising an exception in its thread"
    if isinstance(error, asyncio.CancelledError):
        return "by cancelling its coroutine"
    told = describe(error)
    return f"by raising an exception in its thread, which ended in {told['type']}: {told['message']:.200}"


def _name(call: Call) -> str:
    return f"job {call.lease.id} ({call.lease.task})"
