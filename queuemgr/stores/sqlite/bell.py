"""Tells an event loop that the file was written to, without polling it: the kernel does (inotify(7)).

Commits that others may wait for ring through the turn file, after they can be read (database.py). A commit that an
application makes on its own connection is seen in the log, a moment before it can be read. What changed is not said.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

IN_MODIFY, IN_NONBLOCK, IN_CLOEXEC = 0x2, 0o4000, 0o2000000
EVENT = struct.Struct("iIII")
# How long after a write to the log it is looked at: when the commit is most probably there, and when the disk was slow.
LATER = (0.003, 0.03, 0.3)


class Bell:
    """Wakes whoever waits in one event loop. `rung` counts, so that a ring between two looks is not missed."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.rung = 0
        self.silent = True
        self._loop = loop
        self._waiters: set[asyncio.Future[None]] = set()
        self._later: list[asyncio.TimerHandle] = []
        self._file = -1
        self._turn = -1
        self._listen(path)

    async def wait(self, rung: int, timeout: float) -> None:
        """Return at the first ring after the one numbered `rung`, or after `timeout` seconds."""
        if self.rung != rung:
            return
        waiter = self._loop.create_future()
        self._waiters.add(waiter)
        timer = self._loop.call_later(timeout, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)

    def close(self) -> None:
        for timer in self._later:
            timer.cancel()
        if self._file >= 0:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _listen(self, path: Path) -> None:
        import ctypes

        libc: Any = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            return
        self._file = int(libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
        if self._file < 0:
            return
        self._turn = int(libc.inotify_add_watch(self._file, os.fsencode(f"{path}-turn"), IN_MODIFY))
        libc.inotify_add_watch(self._file, os.fsencode(f"{path}-wal"), IN_MODIFY)
        self.silent = self._turn < 0
        self._loop.add_reader(self._file, self._hear)

    def _hear(self) -> None:
        try:
            events = os.read(self._file, 65536)
        except BlockingIOError:
            return
        # Events of single files carry no name, so they all have the same length.
        if any(watch == self._turn for watch, *_ in EVENT.iter_unpack(events)):
            self._ring()
        elif not self._later:
            self._later = [self._loop.call_later(delay, self._ring_later) for delay in LATER]

    def _ring_later(self) -> None:
        self._later.pop(0)
        self._ring()

    def _ring(self) -> None:
        self.rung += 1
        for waiter in self._waiters:
            _wake(waiter)


def running_loop() -> asyncio.AbstractEventLoop:
    # Imported where a loop runs: a producer's direct path does without, which is half of its first call's time.
    from asyncio import get_running_loop

    return get_running_loop()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
