"""Names the job that blocks the event loop or holds the GIL, and breaks one off that blocks it overdue.

It knows nothing of leases or stores, and it cannot break off code that sits in C.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import re
import signal
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from .clock import SystemClock
from .context import current
from .executors.aio import AioExecutor, Overrun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FrameType

    from .clock import Clock
    from .executor import Call

log = logging.getLogger("queuemgr.worker")

# A real-time signal, because programs like to use SIGUSR1 and SIGUSR2 for themselves.
SIGNAL: int = signal.SIGRTMIN + 11 if hasattr(signal, "SIGRTMIN") else signal.SIGUSR2
MAX_DUMP = 8_000
_THREAD = re.compile(r"^(?:Current t|T)hread 0x([0-9a-f]+)[^\n]*\n(?:  [^\n]*\n)*", re.MULTILINE)


class Watchdog:
    """Watches one event loop from a thread of its own; `open` and `close` are called in the loop's thread.

    Parameters: `threshold` is how many seconds the loop may stand still. `overdue` gives the running calls
    whose time has passed, `threads` says which job each thread executes, by the thread's identifier, and
    `describe` names an asyncio task that is no job's; these three are called in the watchdog's thread.
    `signum` is the signal by which the loop's thread is interrupted.

    While it is open nobody else can use `faulthandler.dump_traceback_later`: a process has only one.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        threshold: float = 1.0,
        *,
        describe: Callable[[asyncio.Task[Any]], str | None] | None = None,
        overdue: Callable[[], Iterable[Call]] = tuple,
        threads: Callable[[], Mapping[int, str]] = dict,
        signum: int = SIGNAL,
        clock: Clock | None = None,
    ) -> None:
        self._loop = loop
        self._threshold = threshold
        self._describe = describe or asyncio.Task.get_name
        self._overdue = overdue
        self._threads = threads
        self._clock = clock or SystemClock()
        self._breaker = _Breaker(signum)
        self._dump = _Dump(2 * threshold)
        self._closed = threading.Event()
        self._due = 0.0
        self._sight: _Sight | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._watch, name="queuemgr-watchdog", daemon=True)

    def open(self) -> None:
        """Start to watch. Takes the signal if this is the main thread and nobody uses it."""
        self._ident = threading.get_ident()
        self._breaker.open()
        self._dump.open()
        self._due = self._clock.monotonic()
        self._pet()
        self._thread.start()

    def close(self) -> None:
        """Stop to watch; leaves no thread, timer, descriptor or signal handler behind."""
        self._closed.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._thread.is_alive():
            self._thread.join()
        self._dump.close()
        self._breaker.close()

    def _pet(self) -> None:
        now = self._clock.monotonic()
        due, self._due = self._due, now + self._threshold / 2
        if now - due >= self._threshold:
            self._tell_end(now - due, self._sight if self._sight and self._sight.due == due else None)
        self._dump.arm()
        self._timer = self._loop.call_later(self._threshold / 2, self._pet)

    def _tell_end(self, late: float, sight: _Sight | None) -> None:
        busy = sight.busy if sight is not None else dict(self._threads())
        what = sight.what if sight is not None else "code that held the GIL, unless the process itself was stopped"
        if sight is None and busy:
            what = f"{what}; in threads there are {', '.join(busy.values())}"
        dump = self._dump.read({self._ident: "event loop", **busy})
        text = f". While nothing in Python could run:\n{dump}" if dump else ""
        log.warning("the event loop goes on after %.1f s: it was blocked by %s%s", late, what, text)

    def _watch(self) -> None:
        wait = self._threshold
        wake = self._clock.monotonic() + wait
        while not self._closed.wait(wait):
            now, due = self._clock.monotonic(), self._due
            if now - due < self._threshold:
                wait = self._threshold - (now - due)
            else:
                # This thread runs, so the GIL is free again, and the stacks are better read here.
                self._dump.disarm()
                try:
                    self._look(due, now, now - wake)
                except Exception:
                    log.exception("the watchdog could not see what blocks the event loop; it watches on")
                wait = self._threshold / 4
            wake = self._clock.monotonic() + wait

    def _look(self, due: float, now: float, overslept: float) -> None:
        sight = self._sight
        if sight is not None and sight.due == due:
            self._break_off(sight, now)
            return
        sight = self._see(due, overslept if overslept > self._threshold / 2 else 0.0)
        if self._due == due:  # the loop did not come back while it was being looked at
            self._sight = sight
            self._break_off(sight, now)
            self._tell_start(sight, now - due)

    def _see(self, due: float, overslept: float) -> _Sight:
        """What blocks the loop right now. A watchdog that overslept was kept from running by the GIL."""
        frame = sys._current_frames().get(self._ident)
        call, task = AioExecutor.call_of(frame), asyncio.current_task(self._loop)
        what = _name(call) if call is not None else self._name_of(task) if task is not None else ""
        busy = dict(self._threads()) if overslept else {}
        if busy:
            beside = ", ".join(busy.values())
            what = f"{what}, or one in a thread: {beside}" if what else f"one of those in threads: {beside}"
        # Only walked here and spelled out later: looking at source files would let the loop run on.
        stack = list(traceback.walk_stack(frame))
        return _Sight(due, what or "code that is no job's", stack, overslept, call, busy)

    def _name_of(self, task: asyncio.Task[Any]) -> str:
        """A task that a job started carries the job in its context; Python shows that from 3.12 on."""
        context = task.get_context() if hasattr(task, "get_context") else {}
        job = context.get(current)
        if job is not None:
            return f"a task of job {job.id} ({job.task})"
        return self._describe(task) or repr(task)

    def _tell_start(self, sight: _Sight, late: float) -> None:
        log.warning(
            "the event loop has been blocked for %.1f s by %s, %s. Use `await` there, executor='thread' or "
            "executor='process'. It is here:\n%s",
            late,
            sight.what,
            f"which held the GIL for {sight.overslept:.1f} s" if sight.overslept else "which does not await",
            "".join(traceback.StackSummary.extract(reversed(sight.stack)).format()),
        )
        sight.stack.clear()

    def _break_off(self, sight: _Sight, now: float) -> None:
        calls = tuple(self._overdue())
        if not calls or (sight.call is not None and sight.call not in calls):
            return
        obstacle = self._breaker.obstacle
        if obstacle is None and sight.aimed_at is None:
            sight.aimed_at = now
        elif obstacle is None and sight.aimed_at is not None and now - sight.aimed_at >= self._threshold:
            obstacle = self._breaker.silence
        if obstacle is not None and not sight.told:
            sight.told = True
            log.warning(
                "%s is overdue and cannot be stopped: %s; with executor='process' it could be stopped",
                *(sight.what, obstacle),
            )
        self._breaker.aim(calls)


@dataclass(slots=True, eq=False)
class _Sight:
    """What was seen while the loop stood still: once for each time that it does."""

    due: float
    what: str
    stack: list[tuple[FrameType, int]]
    overslept: float
    call: Call | None
    busy: Mapping[int, str]
    aimed_at: float | None = None
    told: bool = False


class _Breaker:
    """Raises in the main thread, within the code of an overdue call, by way of a signal's handler."""

    def __init__(self, signum: int) -> None:
        self._signum = signum
        self._calls: tuple[Call, ...] = ()
        self._answered = False
        self._raised = False
        self.obstacle: str | None = None
        self._open = False

    def open(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            self.obstacle = "its event loop does not run in the main thread"
        elif signal.getsignal(self._signum) not in (signal.SIG_DFL, signal.SIG_IGN):
            self.obstacle = f"signal {self._signum}, which would do it, is used by somebody else"
        else:
            self._previous = signal.signal(self._signum, self._on_signal)
            self._open = True

    def close(self) -> None:
        if self._open:
            self._open = False
            signal.signal(self._signum, self._previous)

    def aim(self, calls: tuple[Call, ...]) -> None:
        """Interrupt the main thread if nothing stands against it."""
        if self.obstacle is None:
            self._calls, self._answered, self._raised = calls, False, False
            signal.pthread_kill(threading.main_thread().ident or 0, self._signum)

    @property
    def silence(self) -> str:
        """Why the last time did not help."""
        if not self._answered:
            return "it sits in C code and can only be stopped when it returns from there"
        if self._raised:
            return "it catches every exception"
        return "it sits where breaking it off would do damage"

    def _on_signal(self, _signum: int, frame: FrameType | None) -> None:
        self._answered = True
        calls, self._calls = self._calls, ()
        for call in calls:
            if AioExecutor.may_raise(frame, call):
                AioExecutor.expect_end(frame, call)
                self._raised = True
                raise Overrun


class _Dump:
    """The stacks of all threads, written by a C thread if it is not armed again for `after` seconds."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._file: IO[bytes] | None = None

    def open(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="queuemgr-")  # noqa: SIM115 - close() closes it

    def close(self) -> None:
        if self._file is not None:
            self.disarm()
            self._file.close()
            self._file = None

    def arm(self) -> None:
        if self._file is not None:
            faulthandler.dump_traceback_later(self._after, file=self._file)

    def disarm(self) -> None:
        faulthandler.cancel_dump_traceback_later()

    def read(self, names: Mapping[int, str]) -> str:
        """What was written since the last time about the threads named here, by their identifiers."""
        if self._file is None:
            return ""
        self.disarm()
        self._file.seek(0)
        text = self._file.read().decode(errors="replace")
        self._file.seek(0)
        self._file.truncate()
        found = _THREAD.finditer(text)
        return "".join(f"{names[int(one[1], 16)]}: {one[0]}" for one in found if int(one[1], 16) in names)[:MAX_DUMP]


def _name(call: Call) -> str:
    return f"job {call.lease.id} ({call.lease.task})"
