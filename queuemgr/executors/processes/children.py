"""One job process as the worker sees it: hands it jobs, and tells how each ended. It chooses no job itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Protocol

import msgspec

from queuemgr.executor import stopped
from queuemgr.outcome import Cancelled, Crashed, Done, Failed, Outcome
from queuemgr.signals import signal_name

from .frames import NOTICE, End, Inbox, Job, Progress, Report, Text, decode_report, packets
from .halting import Halt
from .output import Output, Pipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.executor import Call


SHORT = 0.02  # seconds until the pipes of a process that runs something are listened to; many have ended by then


@dataclass(slots=True, eq=False)
class Run:
    """A call on its way through a process."""

    call: Call
    output: Output
    ended: asyncio.Future[Outcome]
    child: Child | None = None
    fit: bool = False

    def end(self, outcome: Outcome) -> None:
        if not self.ended.done():
            self.output.end()
            self.ended.set_result(outcome)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended. `outcome` is what becomes of its job where it was not its own end that counts."""

    status: int = 0
    peak_memory: int | None = None
    outcome: Outcome | None = None


class Send(Protocol):
    def __call__(self, child: Child, number: int, alone: bool = False) -> None: ...


class Keeper(Protocol):
    """Who is told of a child."""

    def freed(self, child: Child) -> None:
        """It may be given another job; asked for before the run that it ended is told."""

    def gone(self, child: Child) -> None:
        """It has ended; its run, if any, has been told."""


class Child:
    """The worker's ends of one process; `pass_on` is given the others.

    `buffer` holds one packet and may be shared. Raises OSError where the worker has too many open files.
    """

    def __init__(
        self, number: int, keeper: Keeper, buffer: memoryview, pass_on: Callable[[Child, list[int]], None]
    ) -> None:
        self.number = number
        self.pid: int | None = None
        self.run: Run | None = None
        self.jobs = 0
        self.stopping = self.suspended = False
        self._told = False
        self._term_at = self._kill_at = inf
        self._keeper = keeper
        self._last = False
        self._outcome: Outcome | None = None
        self._halt = Halt()
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._hears = True
        self._loop = asyncio.get_running_loop()
        self._inbox: Inbox[Report] = Inbox(decode_report)
        self._buffer = buffer
        self._outbox: deque[bytes] = deque()
        self._socket, pipes, theirs = _open_ends()
        # As a number: what is not registered is described in an error that nobody reads, which a socket takes long for.
        self._descriptor = self._socket.fileno()
        self._loop.add_reader(self._descriptor, self._read)
        self._pipes = [
            Pipe(pipe, partial(self._print, name)) for name, pipe in zip(("stdout", "stderr"), pipes, strict=True)
        ]
        pass_on(self, theirs)

    def start(self, run: Run, last: bool) -> bool:
        """Give it a job; `last` says that it ends after it. False where it has ended already, so nothing was begun."""
        self.run, self._last = run, last
        run.child = self
        self.jobs += 1
        lease = run.call.lease
        limit = run.call.policy.memory_limit
        first, *rest = packets(Job(lease.id, lease.task, lease.queue, lease.attempt, limit, last, lease.args))
        try:
            self._socket.send(first)
        except OSError:
            return False
        if rest:
            self._outbox.extend(rest)
            self._write()
        if self._soon is None:
            self._soon = self._loop.call_later(SHORT, self._listen)
        return True

    def _listen(self) -> None:
        for pipe in self._pipes:
            pipe.listen()

    def _deafen(self) -> None:
        if self._hears:
            self._hears = False
            self._loop.remove_reader(self._descriptor)

    def refuse(self) -> None:
        """Take back a job that could not be begun."""
        run, self.run = self.run, None
        if run is not None:
            run.child = None

    def stop(self, notice: float, grace: float, send: Send) -> None:
        """Have its run end by itself; SIGTERM after `notice` seconds, SIGKILL after `grace` more.

        Asked again, it is done as soon as either wanted. `send` sends a signal.
        """
        now = self._loop.time()
        self._term_at = min(self._term_at, now + notice)
        self._kill_at = min(self._kill_at, self._term_at + grace)
        if not self.stopping and notice > 0:
            send(self, NOTICE, True)
        self.stopping = True
        self._escalate(send)
        self.resume(send)

    def _escalate(self, send: Send) -> None:
        now = self._loop.time()
        if self._timer is not None:
            self._timer.cancel()
        if not self._told and now >= self._term_at:
            self._told = True
            send(self, signal.SIGTERM)
        if now >= self._kill_at:
            send(self, signal.SIGKILL)
            return
        self._timer = self._loop.call_at(self._kill_at if self._told else self._term_at, self._escalate, send)

    def suspend(self, send: Send) -> bool:
        """Halt it and all that it started. False where it is to stop."""
        if not self.stopping and not self.suspended:
            self.suspended = True
            self._halt.begin(self._loop.time())
            send(self, signal.SIGSTOP)
        return self.suspended

    def resume(self, send: Send) -> bool:
        """False where it was not halted."""
        was, self.suspended = self.suspended, False
        if was:
            self._halt.end(self._loop)
            send(self, signal.SIGCONT)
        return was

    def has_time_left(self, out_of_time: Callable[[], None]) -> bool:
        """Whether its run was halted for a part of its time; `out_of_time` is called once that is used up, too."""
        return self._halt.grant(self._loop, out_of_time)

    def retire(self) -> None:
        """Have it end, unless it runs something."""
        self._outbox.clear()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def gone(self, ending: Ending) -> None:
        """Its process has ended: take its last words, tell its run, and close what is open."""
        self._last = True  # whatever it says, it takes no more jobs
        while self._read():
            pass
        for pipe in self._pipes:
            pipe.drain()
            pipe.close()
        self._deafen()
        self._loop.remove_writer(self._descriptor)
        self._socket.close()
        for timer in (self._timer, self._soon):
            if timer is not None:
                timer.cancel()
        self._halt.cancel()
        run, self.run = self.run, None
        if run is not None:
            run.end(self._result(run.call, ending))
        self._keeper.gone(self)

    def _result(self, call: Call, ending: Ending) -> Outcome:
        outcome = self._outcome or (None if call.why else ending.outcome)
        outcome = outcome or _outcome_of_exit(call, ending.status)
        if isinstance(outcome, Done | Failed | Crashed) and ending.peak_memory is not None:
            return replace(outcome, peak_memory=ending.peak_memory)
        return outcome

    def _write(self) -> None:
        while self._outbox:
            try:
                self._socket.send(self._outbox[0])
            except BlockingIOError:
                self._loop.add_writer(self._descriptor, self._write)
                return
            except OSError:
                self._outbox.clear()  # it has ended, which will be told
                break
            self._outbox.popleft()
        self._loop.remove_writer(self._descriptor)

    def _read(self) -> bool:
        try:
            size = self._socket.recv_into(self._buffer)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True  # it ended with words of ours unread; the kernel says so before it hands out its last ones
        except OSError:
            size = 0
        if not size:
            self._deafen()
            return False
        try:
            report = self._inbox.take(self._buffer[:size])
        except msgspec.MsgspecError:
            return True  # the task wrote into a socket that is not its own
        if report is not None and self.run is not None:
            self._take(report, self.run)
        return True

    def _take(self, report: Report, run: Run) -> None:
        match report:
            case End():
                self._end(report, run)
            case Text(stream, text):
                for pipe in self._pipes:
                    pipe.drain()  # what was printed before it was logged comes before it
                run.output.say(stream, text)
            case Progress(percent, note):
                run.call.context.progress(percent, note)

    def _end(self, end: End, run: Run) -> None:
        run.fit = end.fit
        outcome = _outcome_of(end, run.call)
        for pipe in self._pipes:
            pipe.drain()
        if self._last or self.stopping or end.stopped or end.spent or any(pipe.closed for pipe in self._pipes):
            self._outcome = outcome  # told as soon as the process is gone, and all that it started
            if not self._last:
                self.retire()
            self._deafen()
            return
        if isinstance(outcome, Done | Failed):
            outcome = replace(outcome, peak_memory=end.peak_memory)
        self.run = None
        self._keeper.freed(self)
        run.end(outcome)

    def _print(self, stream: str, data: bytes) -> None:
        if self.run is not None:
            self.run.output.feed(stream, data)


def _outcome_of(end: End, call: Call) -> Outcome:
    said = end.outcome()
    if not end.stopped and (call.why is None or not isinstance(said, Cancelled)):
        return said
    outcome = stopped(call, "by SIGTERM" if end.stopped else "by itself when it was told to")
    kept = said.result if isinstance(said, Failed | Cancelled) else None
    return replace(outcome, result=kept) if isinstance(outcome, Failed | Cancelled) else outcome


def _open_ends() -> tuple[socket.socket, list[int], list[int]]:
    """The worker's socket and two pipes, and the three descriptors that the child gets."""
    with ExitStack() as stack:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.callback(ours.close)
        ours.setblocking(False)
        passed = [theirs.detach()]
        stack.callback(os.close, passed[0])
        pipes = []
        for _ in range(2):
            read, write = os.pipe()
            stack.callback(os.close, read)
            stack.callback(os.close, write)
            pipes.append(read)
            passed.append(write)
        stack.pop_all()
    return ours, pipes, passed


def _outcome_of_exit(call: Call, status: int) -> Outcome:
    """What a run is worth whose process ended before it said anything."""
    code = os.waitstatus_to_exitcode(status)
    name = signal_name(-code) if code < 0 else None
    if call.why is not None:
        return stopped(call, f"by {name if name == 'SIGKILL' else 'SIGTERM'}")
    words = f"its process was ended by {name}" if name else f"its process called os._exit({code})"
    if name == "SIGKILL":
        words += ": by hand, or by the kernel for want of memory"
    return Crashed({"type": "queuemgr.errors.Killed", "message": words}, name)
