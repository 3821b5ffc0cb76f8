"""Runs asynchronous tasks as coroutines of the worker's own event loop. It keeps no time-outs."""

from __future__ import annotations

import asyncio
import logging
import os
from asyncio import CancelledError, current_task
from contextlib import suppress
from dataclasses import dataclass
from inspect import isawaitable
from types import CoroutineType
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
    takes_long,
)

if TYPE_CHECKING:
    from types import FrameType

    from queuemgr.executor import Call
    from queuemgr.outcome import Outcome

log = logging.getLogger("queuemgr.worker")

# Code that must not be left half done: an exception out of nowhere could leave its state in disorder.
_FRAGILE = frozenset({"asyncio", "logging", "queuemgr"})
_NOT_FRAGILE = ("queuemgr.task", "queuemgr.demo")


class Overrun(BaseException):
    """Raised inside a coroutine that blocks the event loop although its run is to end."""


@dataclass(slots=True, eq=False)
class _Request:
    """A stop that was asked for: how often the coroutine was cancelled, and when it will be again."""

    times: int = 0
    timer: asyncio.TimerHandle | None = None


class AioExecutor:
    """Awaits each call in the asyncio task that awaits `run`; that task must be the call's own.

    A coroutine that goes on for `grace` seconds is cancelled again, at most `tries` times in all.
    """

    def __init__(self, grace: float = 1.0, tries: int = 3) -> None:
        self._grace = grace
        self._tries = tries
        self._running: dict[Call, asyncio.Task[Any] | None] = {}
        self._requests: dict[Call, _Request] = {}
        self._idle: asyncio.Event | None = None
        self._pid = os.getpid()

    async def open(self) -> None:
        """Nothing is to be prepared."""

    async def close(self) -> None:
        """Stop whatever still runs, and wait for it for at most `grace` times `tries` seconds."""
        for call in list(self._running):
            self.interrupt(call, Why.STOP)
        if self._running:
            self._idle = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._grace * self._tries):
                    await self._idle.wait()

    async def run(self, call: Call) -> Outcome:
        """Run it to its end. Raises asyncio.CancelledError if somebody else cancels its asyncio task."""
        asked = call.why
        if asked is not None:
            return stopped(call, "before it began")
        task = current_task()
        try:
            args, kwargs = call.arguments()
            # While it stands in _running it may be cancelled or broken off: that ends in the clause below.
            self._running[call] = task
            token = current.set(call.context)
            try:
                fault.point("run.inside")
                value = call.task.run(args, kwargs)
                if type(value) is CoroutineType or isawaitable(value):
                    value = await value
            finally:
                end_fork(self._pid)
                del self._running[call]
                current.reset(token)
            if call.why is None:
                kept = value, call.codec, call.max_result, call.context
                if takes_long(value, call.context):
                    outcome = await asyncio.to_thread(outcome_of_value, *kept)
                    discard_unfinished(call.context)
                    return outcome
                return outcome_of_value(*kept)
        except BaseException as error:
            return self._ended(call, task, error)
        return self._ended(call, task, None)

    def interrupt(self, call: Call, why: Why) -> str | None:
        """Cancel its coroutine, again if it goes on. Called in the loop's thread. The first `why` counts."""
        call.why = call.why or why
        call.context.stopping = True
        task = self._running.get(call)
        if task is None:
            return None
        self._requests.setdefault(call, _Request())
        if task is current_task():
            # A cancellation of oneself would wait for the next await, which may be one of the worker's.
            task.get_loop().call_soon(self._cancel, call, 1)
        else:
            self._cancel(call, 1)
        return None

    @staticmethod
    def call_of(frame: FrameType | None) -> Call | None:
        """The call whose own code `frame` executes, of whichever thread; None where it executes no call's."""
        run = _run_of(frame)
        call: Call | None = run.f_locals.get("call") if run is not None else None
        return call

    @staticmethod
    def may_raise(frame: FrameType | None, call: Call) -> bool:
        """Whether an exception raised in `frame`, of this thread, ends the call and disturbs nothing else.

        The code of a task that the call itself started counts, too: the exception ends that task first.
        """
        own, task = False, _task_of_now()
        # A loop that is not written in Python shows no step: what ends there is seen by the task's own first frame.
        first = getattr(task.get_coro(), "cr_frame", None) if task is not None else None
        while frame is not None:
            if frame.f_code is _RUN:
                return own and frame.f_locals.get("call") is call and call in frame.f_locals["self"]._running
            module = frame.f_globals.get("__name__", "")
            if frame.f_code is _STEP:
                return own and task is not None and current.get() is call.context
            if module.partition(".")[0] in _FRAGILE and not module.startswith(_NOT_FRAGILE):
                return False
            if frame is first:
                return current.get() is call.context
            own, frame = True, frame.f_back
        return False

    @staticmethod
    def expect_end(frame: FrameType | None, call: Call) -> None:
        """Note that Overrun is about to be raised in `frame`; a coroutine that goes on all the same is cancelled.

        In a task that the call started nothing is noted: the call itself may well go on until its time-out is seen.
        """
        call.context.stopping = True
        run = _run_of(frame)
        if run is not None:
            call.why = call.why or Why.TIMEOUT
            run.f_locals["self"]._cancel_later(call, 1)

    def _cancel(self, call: Call, nth: int) -> None:
        task, request = self._running.get(call), self._requests.get(call)
        if task is None or request is None:
            return
        if nth > self._tries:
            log.warning(
                "job %s (%s) was told to stop (%s) and goes on: its coroutine swallowed CancelledError "
                "%d times. It runs until it ends by itself; with executor='process' it could be stopped",
                *(call.lease.id, call.lease.task, call.why, request.times),
            )
            return
        request.times += 1
        task.cancel()
        self._cancel_later(call, nth + 1)

    def _cancel_later(self, call: Call, nth: int) -> None:
        request, task = self._requests.setdefault(call, _Request()), self._running.get(call)
        if request.timer is not None:
            request.timer.cancel()
        if task is not None:
            request.timer = task.get_loop().call_later(self._grace, self._cancel, call, nth)

    def _ended(self, call: Call, task: asyncio.Task[Any] | None, error: BaseException | None) -> Outcome:
        """What an end is worth that was asked for, or that came by an exception."""
        request = self._requests.pop(call, None)
        if request is not None and task is not None:
            if request.timer is not None:
                request.timer.cancel()
            for _ in range(request.times):
                task.uncancel()
        if self._idle is not None and not self._running:
            self._idle.set()
        if isinstance(error, CancelledError) and task is not None and task.cancelling():
            raise error
        discard_unfinished(call.context)
        if call.why is None and error is not None:
            if not _is_overrun(error):
                return outcome_of_error(error)
            call.why = Why.TIMEOUT
        return stopped(call, _means(error))


_RUN = AioExecutor.run.__code__
_STEP = asyncio.Handle._run.__code__


def _run_of(frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code is not _RUN:
        frame = frame.f_back
    return frame


def _task_of_now() -> asyncio.Task[Any] | None:
    """The asyncio task that this thread runs a step of, if any, even where no event loop runs."""
    loop = asyncio._get_running_loop()
    return None if loop is None else current_task(loop)


def _is_overrun(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(Overrun) is not None
    return isinstance(error, Overrun)


def _means(error: BaseException | None) -> str:
    if error is None:
        return "when it had been asked to"
    if isinstance(error, CancelledError):
        return "by cancelling its coroutine"
    if isinstance(error, Overrun):
        return "by interrupting its blocking code"
    if _is_overrun(error):
        return "by interrupting the blocking code of a task that it had started"
    told = describe(error)
    return f"by cancelling its coroutine, which then raised {told['type']}: {told['message']:.200}"
