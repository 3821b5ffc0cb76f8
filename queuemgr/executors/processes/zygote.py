"""A small process with the app imported, which forks those that jobs run in. It runs no job itself."""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import select
import signal
import socket
import sys
import warnings
from contextlib import suppress
from functools import reduce
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.context import importing
from queuemgr.errors import ConfigError
from queuemgr.executor import describe

from . import child, procinfo
from .frames import (
    NOTICE,
    STACK,
    Broken,
    Config,
    Exited,
    Fork,
    Forked,
    Frame,
    Ready,
    Signal,
    Unforked,
    decode_order,
    encode,
)

if TYPE_CHECKING:
    from .procinfo import Seen

MESSAGE = 1 << 18  # bytes that hold any order
_TO_STRAYS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT)
_FOR_CHILDREN = (signal.SIGTERM, signal.SIGINT, NOTICE)


def main(control: socket.socket) -> None:
    """Serve the worker at the other end of this socket until it hangs up."""
    procinfo.die_with_parent(signal.SIGTERM)
    config = msgspec.msgpack.decode(control.recv(MESSAGE), type=Config)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is meant for a job must not end its process before it listens.
    signal.signal(NOTICE, signal.SIG_IGN)
    signal.signal(STACK, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if os.getppid() != config.parent:
        return
    try:
        app = load(config)
    except BaseException as error:
        control.send(encode(Broken(describe(error))))
    else:
        Zygote(control, app, config.parent).serve()
    # What the app registered with atexit is the worker's to do, and a thread that it started must not hold this up.
    os._exit(0)


def load(config: Config) -> child.Application:
    """Import the app. Raises whatever that raises, and ConfigError."""
    sys.argv[:] = config.argv
    os.chdir(config.folder)
    sys.stdout, sys.stderr = child.open_stream(1), child.open_stream(2)
    faulthandler.enable(2)
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    within = importing.set(True)
    for name in config.preload:
        importlib.import_module(name)
    module, _, path = config.app.partition(":")
    found: Any = importlib.import_module(module)
    importing.reset(within)
    try:
        app: child.Application = reduce(getattr, path.split("."), found)
        app.tasks, app.codec, app.max_result  # noqa: B018 - a wrong name shall be told here, not by every job
    except AttributeError as error:
        raise ConfigError(f"{config.app!r} names no App: {error}") from error
    for task in app.tasks:
        task.prepare()
    return app


class Zygote:
    """Forks on request, and tells how each child ended."""

    def __init__(self, control: socket.socket, app: child.Application, parent: int) -> None:
        self._control = control
        self._runner = child.Runner(app)
        self._parent = parent
        self._pid = os.getpid()
        self._pids: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._strays: dict[int, list[Seen]] = {}
        self._ended = os.getppid() != parent

    def serve(self) -> None:
        procinfo.adopt_orphans()
        # A child has the handlers from the start, and gets what came before it could be told: here it is never let
        # through. Nor need it be, for it is the worker who decides what stops.
        signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_CHILDREN)
        self._runner.listen()
        woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        procinfo.die_with_parent(signal.SIGCHLD)
        self._own = [self._control.fileno(), woken, wakes]
        self._tell(Ready(procinfo.count_threads() - 1))
        sys.stdout.flush()
        gc.collect()
        gc.freeze()
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while not self._ended:
            for descriptor, _ in poll.poll():
                if descriptor == woken:
                    os.read(woken, 4096)
                    self._reap()
                    self._ended = self._ended or os.getppid() != self._parent
                elif not self._obey():
                    self._ended = True
        self._end_all()

    def _obey(self) -> bool:
        """Carry out the next order. False where the worker has hung up."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE, 3, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            return False
        if not data:
            return False
        match decode_order(data):
            case Fork(number):
                self._fork(number, descriptors)
            case Signal(number, wanted, alone) if number in self._pids:
                self._signal(self._pids[number], wanted, alone)
            case _:
                pass
        return True

    def _fork(self, number: int, descriptors: list[int]) -> None:
        try:
            pid = os.fork()
            if pid == 0:
                for descriptor in self._own:
                    os.close(descriptor)
                child.begin(self._runner, descriptors, self._pid)
        except OSError as error:
            self._tell(Unforked(number, describe(error)))
        else:
            self._pids[number], self._numbers[pid] = pid, number
            self._tell(Forked(number, pid))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _signal(self, pid: int, wanted: int, alone: bool) -> None:
        if alone:
            os.kill(pid, wanted)
            return
        # Once a process has ended nobody can tell whose children its children were.
        strays = self._strays.setdefault(pid, [])
        strays += procinfo.descendants([pid])
        _signal_group(pid, wanted)
        if wanted in _TO_STRAYS:
            for stray in strays:
                stray.send(wanted)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                self._bury(ended.si_pid)

    def _bury(self, pid: int) -> None:
        number = self._numbers.pop(pid, None)
        if number is not None:
            # As long as it is a zombie, no other process can have its pid, nor a group that number.
            _signal_group(pid, signal.SIGKILL)
            for stray in self._strays.pop(pid, ()):
                stray.kill()
        _, status, usage = os.wait4(pid, 0)
        if number is not None:
            del self._pids[number]
            self._tell(Exited(number, status, usage.ru_maxrss * 1024))

    def _end_all(self) -> None:
        for stray in procinfo.descendants(self._numbers):
            stray.kill()
        for pid in self._numbers:
            _signal_group(pid, signal.SIGKILL)
        for pid in self._numbers:
            os.wait4(pid, 0)

    def _tell(self, news: Frame) -> None:
        try:
            self._control.send(encode(news))
        except OSError:
            self._ended = True


def _signal_group(pid: int, wanted: int) -> None:
    try:
        os.killpg(pid, wanted)
    except ProcessLookupError:
        # It was forked so recently that it has no group of its own yet.
        with suppress(OSError):
            os.kill(pid, wanted)
    except OSError:
        pass
