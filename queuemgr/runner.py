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

from .capture import Capture
from .loop import new_loop
from .watchdog import Watchdog

if TYPE_CHECKING:
    from .executor import Call
    from .worker import Worker

log = logging.getLogger("queuemgr.worker")


def run(worker: Worker) -> bool:
    """Work until SIGTERM or SIGINT: the first lets running jobs end, the second stops them at once.

    False if some job could not be stopped: it ends with this process, which should end now.
    """
    with Capture(), asyncio.Runner(loop_factory=new_loop) as loop:
        return loop.run(_run(worker))


async def _run(worker: Worker) -> bool:
    loop = asyncio.get_running_loop()
    stop = _Stop(worker)
    in_main_thread = threading.current_thread() is threading.main_thread()
    for signum in (signal.SIGTERM, signal.SIGINT) if in_main_thread else ():
        if signal.getsignal(signum) is not signal.SIG_IGN:
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


def end_now(stopped: bool, code: int = 1) -> None:
    """End a process whose jobs did not stop, without waiting for their threads."""
    if not stopped:
        logging.shutdown()
        os._exit(code)
