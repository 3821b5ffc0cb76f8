"""Runs one worker in this process: its signals, the capture of output, the watchdog. It supervises nobody."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakSet

from .capture import Capture
from .context import refuse_while_importing
from .loop import new_loop
from .watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .executor import Call
    from .worker import Worker

log = logging.getLogger("queuemgr.worker")

HEEDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run(worker: Worker) -> bool:
    """Work until SIGTERM, SIGINT or SIGHUP: the first lets running jobs end, the second stops them at once.

    False if some job could not be stopped: it ends with this process, which should end now. Raises RuntimeError inside
    a running event loop, which it would block.
    """
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("this would block the event loop that runs here: await app.worker(...).run() instead")
    refuse_while_importing()
    with Capture(), asyncio.Runner(loop_factory=new_loop) as loop:
        return loop.run(_run(worker))


async def _run(worker: Worker) -> bool:
    loop = asyncio.get_running_loop()
    stop = _Stop(worker)
    _fork.heeding.add(stop)
    in_main_thread = threading.current_thread() is threading.main_thread()
    usual = {signum: signal.getsignal(signum) for signum in HEEDED if in_main_thread}
    heeded = [signum for signum, handler in usual.items() if handler is not signal.SIG_IGN]
    for signum in heeded:
        loop.add_signal_handler(signum, stop, signum)
    watchdog = Watchdog(loop, overdue=partial(_overdue, worker), threads=partial(_threads, worker))
    watchdog.open()
    # What was imported stays: to look through it again and again would hold up jobs for milliseconds.
    gc.collect()
    gc.freeze()
    try:
        return await worker.run()
    finally:
        gc.unfreeze()
        watchdog.close()
        for signum in heeded:
            loop.remove_signal_handler(signum)
            signal.signal(signum, usual[signum] or signal.SIG_DFL)


def _overdue(worker: Worker) -> list[Call]:
    """The running calls whose time-out has passed. Called from the watchdog's thread."""
    now = worker.clock.monotonic()
    calls = [(run.call, run.began) for run in list(worker.running.values())]
    return [
        call
        for call, began in calls
        if call is not None and call.policy.timeout is not None and now - began > call.policy.timeout
    ]


def _threads(worker: Worker) -> dict[int, str]:
    """Which job each thread runs, by the thread's identifier. Called from the watchdog's thread."""
    executor = worker.executors.get("thread")
    running: dict[int, str] = executor.running() if executor is not None else {}  # type: ignore[attr-defined]
    return running


class _Stop:
    """Heeds the signals of its worker's process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._times = 0

    def __call__(self, signum: int) -> None:
        self._times += 1
        name = signal.Signals(signum).name
        running = len(self._worker.running)
        if self._times == 1:
            log.info("%s: no new jobs; %d running may end. Once more stops them at once", name, running)
            self._worker.stop()
        else:
            log.info("%s again: stopping %d running jobs now", name, running)
            self._worker.stop(0)


class _Fork:
    """A fork that a job's own code makes, such as a process of its multiprocessing.Pool.

    What that one is sent must not reach the worker by the pipe that they share, and SIGTERM must end it.
    """

    def __init__(self) -> None:
        self.heeding: WeakSet[_Stop] = WeakSet()
        self._masks: dict[int, Iterable[int]] = {}

    def begins(self) -> None:
        if self.heeding:
            self._masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)

    def in_parent(self) -> None:
        mask = self._masks.pop(threading.get_ident(), None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def in_child(self) -> None:
        if self.heeding:
            self.heeding.clear()
            signal.set_wakeup_fd(-1)
            for signum in (signal.SIGTERM, signal.SIGHUP):
                if callable(signal.getsignal(signum)):
                    signal.signal(signum, signal.SIG_DFL)
        self.in_parent()


_fork = _Fork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_fork.begins, after_in_parent=_fork.in_parent, after_in_child=_fork.in_child)


def end_now(stopped: bool, code: int = 1) -> None:
    """End a process whose jobs did not stop, without waiting for their threads."""
    if not stopped:
        logging.shutdown()
        os._exit(code)
