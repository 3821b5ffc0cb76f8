"""Waits for changes of the file without polling it: the kernel tells when its log is written to. It changes nothing.

Every commit writes to the `-wal` file, whoever makes it, so one inotify watch sees all of them (inotify(7)). The watch
speaks a moment before the commit can be read, therefore a look that finds nothing is repeated after short pauses.
Where there is no inotify, the file is looked at in intervals.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from queuemgr.errors import JobNotFound
from queuemgr.job import State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from queuemgr.clock import Clock

    from .database import Database

IN_MODIFY, IN_NONBLOCK, IN_CLOEXEC = 0x2, 0o4000, 0o2000000
PAUSES = (0.0003, 0.001, 0.004, 0.02)
LOOK_ANYWAY = 1.0
INTERVAL = 0.02

# The moment at which there is work: 0 where there is some now, else that of the next job or firing that is due.
_NEXT_WORK = """
SELECT CASE WHEN EXISTS (
        SELECT 1 FROM json_each(?) AS asked WHERE asked.value NOT IN (SELECT queue FROM queuemgr_paused)
        AND EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY queuemgr_ready
                    WHERE state = 1 AND crashes = 0 AND queue = asked.value))
    THEN 0 ELSE (
        SELECT min(moment) FROM (
            SELECT min(run_at) AS moment FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0
            UNION ALL SELECT min(next_at) FROM queuemgr_schedules WHERE next_at IS NOT NULL))
    END
"""


class Waiting:
    """What somebody waits for in this store. One watch for each event loop."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()

    async def for_work(self, queues: Sequence[str], timeout: float) -> None:
        names = msgspec.json.encode(list(queues)).decode()

        def next_work(connection: sqlite3.Connection) -> float | None:
            found: float | None = connection.execute(_NEXT_WORK, (names,)).fetchone()[0]
            return None if found is None else found - self._clock.now()

        await self._until(next_work, timeout)

    async def for_end(self, job_id: str, timeout: float | None) -> State | None:
        ended: list[State] = []
        await self._until(partial(_look_for_end, job_id, ended), timeout)
        return ended[0] if ended else None

    async def _until(self, look: Callable[[sqlite3.Connection], float | None], timeout: float | None) -> None:
        """Return once `look` says 0 or less, which is the number of seconds until it is worth looking again."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        watch = self._watch(loop)
        changed = False
        while True:
            seen = watch.seen
            soon = self._db.peek(look)
            if soon is not None and soon <= 0:
                return
            pauses = PAUSES if changed else ()
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                return
            limit = min(x for x in (soon, left, LOOK_ANYWAY) if x is not None)
            changed = await watch.change(seen, limit, pauses, partial(self._is_now, look))

    def _is_now(self, look: Callable[[sqlite3.Connection], float | None]) -> bool:
        soon = self._db.peek(look)
        return soon is not None and soon <= 0

    def _watch(self, loop: asyncio.AbstractEventLoop) -> Watch:
        watch = self._watches.get(loop)
        if watch is None:
            self._db.open()
            watch = self._watches[loop] = Watch(self._db.path, loop)
        return watch

    def close(self) -> None:
        for loop, watch in list(self._watches.items()):
            watch.close(loop)
        self._watches.clear()


class Watch:
    """Counts the changes of one file and wakes whoever waits in one event loop."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.seen = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._file = watch_file(f"{path}-wal")
        if self._file is not None:
            loop.add_reader(self._file, self._changed)

    async def change(self, seen: int, limit: float, pauses: Sequence[float], look: Callable[[], bool]) -> bool:
        """True at the first change after the one numbered `seen`, False after `limit` seconds."""
        for pause in pauses:
            if self.seen != seen or pause >= limit:
                break
            await asyncio.sleep(pause)
            if look():
                return True
        if self.seen != seen:
            return True
        if self._file is None:
            await asyncio.sleep(min(limit, INTERVAL))
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        timer = asyncio.get_running_loop().call_later(limit, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)
        return self.seen != seen

    def _changed(self) -> None:
        assert self._file is not None
        try:
            os.read(self._file, 65536)
        except BlockingIOError:
            return
        self.seen += 1
        for waiter in self._waiters:
            _wake(waiter)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._file is not None:
            if not loop.is_closed():
                loop.remove_reader(self._file)
            os.close(self._file)
            self._file = None


def watch_file(path: str) -> int | None:
    """A descriptor that can be read when the file was written to; None where the system has no inotify."""
    import ctypes

    libc: Any = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "inotify_init1"):
        return None
    descriptor = int(libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
    if descriptor < 0:
        return None
    if libc.inotify_add_watch(descriptor, os.fsencode(path), IN_MODIFY) < 0:
        os.close(descriptor)
        return None
    return descriptor


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _look_for_end(job_id: str, ended: list[State], connection: sqlite3.Connection) -> float | None:
    row = connection.execute("SELECT state FROM queuemgr_jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    if row[0] < State.SUCCEEDED:
        return None
    ended.append(State(row[0]))
    return 0
