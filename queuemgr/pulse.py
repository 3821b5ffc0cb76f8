"""A worker's second heart: a process that beats for it while it lives, and tells the store at once when it died.

User code that holds the event loop or the whole interpreter cannot delay it. It begins in manager/standby.py.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from .liveness import Life, life_here
from .store import WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .settings import WorkerSettings
    from .store import Store

log = logging.getLogger("queuemgr.worker")

PROGRAM = "queuemgr.manager.standby"
BEATS_IN_A_LEASE = 4
SHORTEST_LIFE = 2.0
"""Seconds from one start to the next, so that one that cannot live costs no more than this."""


class Owner(msgspec.Struct, frozen=True):
    """The worker, and the process that it is: a namesake is another."""

    worker: str
    life: Life


def worker_here(worker: str, settings: WorkerSettings, tasks: Iterable[str], now: float) -> WorkerInfo:
    """The worker of this process as others see it."""
    host, pid, birth = life_here()
    return WorkerInfo(
        id=worker,
        host=host,
        pid=pid,
        birth=birth,
        name=settings.name,
        queues=tuple(settings.queues),
        tasks=tuple(sorted(tasks)),
        concurrency=settings.concurrency,
        started_at=now,
        beat_at=now,
    )


class Pulse:
    """Beats for the worker of this id from the first `keep` until `stop`."""

    def __init__(self, store: Store, worker: str) -> None:
        self._told = msgspec.json.encode((store.url, Owner(worker, life_here())))
        self._clock = store.clock
        self._pause = store.lease / BEATS_IN_A_LEASE
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = self._clock.monotonic()

    def keep(self) -> None:
        """Start it, or start it again if it has ended. It is not waited for."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._clock.monotonic() < self._not_before:
            return
        self._not_before = self._clock.monotonic() + SHORTEST_LIFE
        if self._process is not None:
            log.warning("the process that beats for this worker has ended (code %d)", self._process.returncode)
        try:
            self._process = _start(self._pause)
        except OSError as error:
            log.warning("no process could be started that beats for this worker: %s", error)
            return
        # The address may hold a password, which a command line would show to everyone on the machine.
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as its_input:
            its_input.write(self._told)

    def stop(self) -> None:
        """The worker has left, or leaves its end to be noticed by its silence."""
        if self._process is not None:
            self._process.kill()
            with suppress(BrokenPipeError), self._process:
                self._process = None


def _start(pause: float) -> subprocess.Popen[bytes]:
    """With the worker's own way to its modules, and in a group that a terminal does not signal.

    The worker has just joined or beaten, so the first beat is due after a pause.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", PROGRAM, str(os.getpid()), str(pause)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},  # noqa: PTH109
        process_group=0,
    )
