"""Several workers under one command: started together, started again when they die, stopped together. It runs no jobs.

The parent stays small and touches neither the app nor the store; each worker is forked from it and imports them itself.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError, QueuemgrError
from queuemgr.signals import signal_name

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("queuemgr.supervisor")

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP})
SOUND = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
BAD_START = 78
LET_GO = 79
"""Somebody asked for this worker's end (wishes.py), and some job of it could not be stopped in time."""
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Slot:
    """The place of one worker. `failures` counts the short lives in a row, `due` is when it is started (again)."""

    number: int
    pid: int = 0
    began: float = 0.0
    failures: int = 0
    due: float = field(default=0.0)


class Supervisor:
    """`work` is what each process does; it returns the exit code of the process."""

    def __init__(self, work: Callable[[], int], processes: int) -> None:
        if processes < 1:
            raise ConfigError(f"at least 1 process is needed, not {processes}")
        self._work = work
        self._slots = [Slot(number) for number in range(1, processes + 1)]
        self._stops = 0
        self._code = 0

    def run(self) -> int:
        """Until every worker has ended for good; the exit code."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            while self._start_due():
                self._wait()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._code

    def _start_due(self) -> bool:
        """Start whose time has come; False when nothing lives and nothing is to be started."""
        now = time.monotonic()
        for slot in self._slots:
            if not slot.pid and not self._stops and slot.due <= now:
                self._start(slot, now)
        return any(slot.pid for slot in self._slots) or (not self._stops and self._slots != [])

    def _start(self, slot: Slot, now: float) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_worker(parent, self._work)
        slot.pid, slot.began = pid, now

    def _wait(self) -> None:
        dues = [slot.due for slot in self._slots if not slot.pid]
        patience = max(0.0, min(dues) - time.monotonic()) if dues and not self._stops else 3600.0
        caught = signal.sigtimedwait(SIGNALS, patience)
        if caught is not None and caught.si_signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._stop(signal.Signals(caught.si_signo))
        self._bury_the_dead()

    def _stop(self, signum: signal.Signals) -> None:
        self._stops += 1
        if self._stops > 2:
            log.warning("%s for the third time: killing the workers; their jobs run again later", signum.name)
        for slot in self._slots:
            if slot.pid:
                os.kill(slot.pid, signal.SIGKILL if self._stops > 2 else signal.SIGTERM)

    def _bury_the_dead(self) -> None:
        for slot in list(self._slots):
            if not slot.pid:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if pid:
                self._bury(slot, os.waitstatus_to_exitcode(status))

    def _bury(self, slot: Slot, code: int) -> None:
        pid, slot.pid = slot.pid, 0
        if self._stops or code in (0, BAD_START, LET_GO):
            # SIGTERM ends a worker that has not even begun, which is what was asked for.
            self._code = max(self._code, 0 if code in (-signal.SIGTERM, LET_GO) else abs(code))
            self._slots.remove(slot)
            return
        now = time.monotonic()
        slot.failures = 0 if now - slot.began > SOUND else slot.failures + 1
        pause = 0.0 if slot.failures <= 1 else min(FIRST_PAUSE * 2.0 ** (slot.failures - 2), LONGEST_PAUSE)
        slot.due = now + pause
        how = f"was ended by {signal_name(-code)}" if code < 0 else f"ended with code {code}"
        when = f"in {pause:g} s" if pause else "now"
        log.warning("worker %d (pid %d) %s; it is started again %s and its jobs go on", slot.number, pid, how, when)


def supervise(app_path: str, processes: int, **settings: object) -> int:
    """Run `processes` workers for the app at `module:variable`; settings are those of `App.worker`. The exit code."""

    def work() -> int:
        from queuemgr.app import load
        from queuemgr.runner import end_now, run

        try:
            app = load(app_path)
            app.import_path = app_path
            worker = app.worker(**settings)  # type: ignore[arg-type]
        except QueuemgrError as error:
            print(f"queuemgr: {error}", file=sys.stderr)
            return BAD_START
        stopped = run(worker)
        end_now(stopped, LET_GO if worker.wishes.dismissed else 1)
        app.close()
        return 0

    return Supervisor(work, processes).run()


def _become_worker(parent: int, work: Callable[[], int]) -> None:
    """The rest of the forked process's life. It stops in good order when its parent dies."""
    code = 1
    try:
        # A terminal sends Ctrl-C to parent and workers alike, and SIGHUP as it closes; the parent passes both on, and
        # twice would mean "at once".
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == parent:
            code = work()
    except BaseException:
        log.exception("worker (pid %d) could not go on", os.getpid())
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
