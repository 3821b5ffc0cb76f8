"""A process that jobs run in, from its fork to its end: runs what its socket asks for. It never forks itself."""

from __future__ import annotations

import contextvars
import faulthandler
import fcntl
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from msgspec import structs

from queuemgr import fault
from queuemgr.context import JobContext, Stopped, current
from queuemgr.executor import (
    decode_arguments,
    discard_unfinished,
    end_fork,
    outcome_of_error,
    outcome_of_value,
    with_shown,
)
from queuemgr.outcome import Cancelled, Outcome, Unknown

from . import procinfo
from .bounds import limited, outcome_within, sweep
from .frames import NOTICE, PACKET, STACK, End, Frame, Inbox, Job, decode_job, packets
from .report import Logs, Reporter

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import FrameType

    from queuemgr.codec import Codec
    from queuemgr.result import Keeper
    from queuemgr.task import Registry, Task

STACK_NAME = "queuemgr-stack"
# `signal` gives every number that it returns a name, which takes a fresh process longer than all else at its start.
_plainly: Any = sys.modules.get("_signal", signal)
_SIGCHLD, _SIG_DFL, _SIG_SETMASK = int(signal.SIGCHLD), int(signal.SIG_DFL), int(signal.SIG_SETMASK)
NOTABLE = 1 << 20  # bytes by which a job has to raise the peak for the next one to begin its own


class Application(Protocol):
    """What a child needs of an App."""

    codec: Codec
    max_result: int | None

    @property
    def tasks(self) -> Registry: ...


class Line:
    """The child's end of the socket to the worker. Threads may send by it, too, messages of one packet."""

    def __init__(self) -> None:
        self.descriptor = -1
        self._buffer = memoryview(bytearray(PACKET))
        self._inbox: Inbox[Job] = Inbox(decode_job)

    def send(self, message: Frame) -> None:
        # A packet is sent whole or not at all, so that an exception raised by a signal leaves no half of one.
        for packet in packets(message):
            os.write(self.descriptor, packet)

    def receive(self) -> Job | None:
        """The next job; None once there will be no more."""
        try:
            while size := os.readv(self.descriptor, [self._buffer]):
                job = self._inbox.take(self._buffer[:size])
                if job is not None:
                    return job
        except OSError:  # the worker died with words for this process unread
            return None
        return None


class Runner:
    """Runs one job after the other. It is made before the fork: what a child need not make, it need not pay for."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._keeper: Keeper | None = getattr(app, "keeper", None)
        self._line = Line()
        self._reporter = Reporter(self._line.send)
        self._logs = Logs(self._reporter)
        self._streams = {"stdout": sys.stdout, "stderr": sys.stderr}
        self._pipes: tuple[int, ...] = ()
        self._memory = procinfo.own_memory()
        self._peak = self._calm = 0
        self._context: JobContext | None = None
        self._asked = self._noticed = False
        self._busy = self._inside = False
        self._raised = False
        self.stack = open_stack()

    def listen(self) -> None:
        """Heed what may be sent to a child. Where these signals are blocked, its parent may do that in its stead."""
        signal.signal(signal.SIGTERM, self._on_sigterm)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(NOTICE, self._on_notice)
        faulthandler.register(STACK, self.stack, all_threads=True)

    def serve(self, descriptor: int) -> None:
        """Run what comes by this socket until there will be no more."""
        pid = os.getpid()
        self._line.descriptor = descriptor
        self._pipes = _pipes()
        self._calm = _peak_memory()
        while (job := self._line.receive()) is not None:
            self._busy = True
            end = self._perform(job)
            end_fork(pid)
            if self._context is not None:
                discard_unfinished(self._context)
            if not self._tell(end) or job.last or self._asked:
                return
            self._busy = False
            self.listen()  # the job may have had other wishes

    def _tell(self, end: End) -> bool:
        """False where the worker does not listen any more."""
        try:
            self._line.send(end)
        except OSError:
            return False
        except (TypeError, ValueError) as error:  # a text in it cannot be encoded
            return self._tell(structs.replace(end, kind="Failed", fields=outcome_of_error(error)))
        return True

    def _perform(self, job: Job) -> End:
        self._prepare(job)
        outcome: Outcome
        try:
            outcome = contextvars.copy_context().run(self._attempt, job)
        except Stopped as error:
            outcome = Cancelled(str(error))
        assert self._context is not None
        outcome = with_shown(outcome, self._context, self._app.codec, self._app.max_result)
        stopped = self._raised
        self._reporter.finish()
        _flush(sys.stdout, sys.stderr)
        if not job.last:
            sweep()
        self._peak = _peak_memory()
        fit = getattr(self._app.tasks, "fit", False)
        return End(type(outcome).__name__, outcome, stopped, self._peak, self._is_spent(job), fit)

    def _is_spent(self, job: Job) -> bool:
        grown = job.memory_limit is not None and procinfo.own_memory() - self._memory > job.memory_limit
        return grown or (not job.last and _pipes() != self._pipes)

    def _prepare(self, job: Job) -> None:
        """Undo what an earlier job may have done to the process, as far as it would hurt this one."""
        if self._peak - self._calm > NOTABLE:
            procinfo.forget_peak()
            self._calm = _peak_memory()
        for number, (name, stream) in enumerate(self._streams.items(), 1):
            if getattr(stream, "closed", False):
                stream = self._streams[name] = open_stream(number)  # noqa: PLW2901 - the closed one is of no use
            setattr(sys, name, stream)
        self._logs.install()
        self._context = JobContext(job.id, job.task, job.queue, job.attempt, self._reporter, self._keeper)
        self._context.stopping = self._asked or self._noticed
        self._reporter.start()

    def _attempt(self, job: Job) -> Outcome:
        task = self._app.tasks.get(job.task)
        if task is None:
            return Unknown()
        current.set(self._context)
        try:
            self._inside = True
            if self._asked:
                self._break_off()
            args, kwargs = decode_arguments(self._app.codec, job.args)
            if job.memory_limit is None:
                value = _value(task, args, kwargs)
            else:
                with limited(job.memory_limit):
                    value = _value(task, args, kwargs)
            return outcome_of_value(value, self._app.codec, self._app.max_result, self._context)
        except Stopped:
            raise
        except BaseException as error:
            return outcome_within(error, job.memory_limit)
        finally:
            self._inside = False

    def _on_notice(self, _number: int, _frame: FrameType | None) -> None:
        self._noticed = True
        if self._context is not None:
            self._context.stopping = True

    def _on_sigterm(self, number: int, _frame: FrameType | None) -> None:
        if not self._busy:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._asked = True
        if self._context is not None:
            self._context.stopping = True
        if self._inside and not self._raised:
            self._break_off()

    def _break_off(self) -> NoReturn:
        self._raised = True
        raise Stopped("stopped by SIGTERM")


def begin(runner: Runner, descriptors: list[int], parent: int) -> NoReturn:
    """What a freshly forked process does. `descriptors` are its socket, its stdout and its stderr."""
    status = 1
    try:
        _settle(descriptors, parent, runner.stack)
        runner.serve(descriptors[0])
        status = 0
    except BaseException:
        traceback.print_exc()
        _flush(sys.stderr)
    finally:
        os._exit(status)


def open_stream(number: int) -> Any:
    """A text stream on a descriptor, which stays open when the stream is closed."""
    return open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def open_stack() -> int:
    """A file without a name, which whoever may look into this process can read (inspecting.py)."""
    stack = os.memfd_create(STACK_NAME)
    fcntl.fcntl(stack, fcntl.F_SETFL, os.O_APPEND)
    return stack


def _settle(descriptors: list[int], parent: int, stack: int) -> None:
    os.setsid()
    procinfo.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    procinfo.adopt_orphans()
    own = open_stack()
    os.dup2(own, stack, inheritable=False)
    os.close(own)
    signal.set_wakeup_fd(-1)
    _plainly.signal(_SIGCHLD, _SIG_DFL)
    _plainly.pthread_sigmask(_SIG_SETMASK, ())
    for number, descriptor in enumerate(descriptors[1:], 1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Unlike Python's own generator, numpy's would give every process the same numbers.
    if (random := sys.modules.get("numpy.random")) is not None:
        random.seed()


def _value(task: Task[..., Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    fault.point("run.inside")
    value = task.run(args, kwargs)
    if not hasattr(value, "__await__"):
        return value
    import asyncio

    return asyncio.run(_finish(value))


async def _finish(value: Awaitable[Any]) -> Any:
    return await value


def _pipes() -> tuple[int, ...]:
    """Which pipes stdout and stderr are; none of those that are closed."""
    found = []
    for number in (1, 2):
        with suppress(OSError):
            found.append(os.fstat(number).st_ino)
    return tuple(found)


def _flush(*streams: Any) -> None:
    for stream in streams:
        try:
            stream.flush()
        except Exception:  # the job has closed or replaced it
            continue


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
