"""Waits until there is work, or until a job has ended. A bell says when to look again; a look takes microseconds.

It changes nothing.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from queuemgr.errors import JobNotFound
from queuemgr.job import State

from . import limits
from .bell import Bell, running_loop
from .finding import with_ids

if TYPE_CHECKING:
    import asyncio
    import sqlite3
    from collections.abc import Callable, Sequence

    from queuemgr.clock import Clock

    from .database import Database

LOOK_ANYWAY = 1.0
WITHOUT_BELL = 0.02

# The moment at which there is work: 0 where there is some now, else that of the next job or firing that is due.
_NEXT_WORK = f"""
SELECT CASE WHEN EXISTS (
        SELECT 1 FROM json_each(?) AS asked WHERE asked.value NOT IN (SELECT queue FROM queuemgr_paused)
        AND asked.value NOT IN (SELECT queue FROM ({limits.ROOM}) WHERE room <= 0)
        AND EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY queuemgr_ready
                    WHERE state = 1 AND crashes = 0 AND queue = asked.value))
    THEN 0 ELSE (
        SELECT min(moment) FROM (
            SELECT min(run_at) AS moment FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0
            UNION ALL SELECT min(next_at) FROM queuemgr_schedules WHERE next_at IS NOT NULL))
    END
"""


class Waiting:
    """What somebody waits for in this store. One bell for each event loop."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._pid = os.getpid()
        self._bells: WeakKeyDictionary[asyncio.AbstractEventLoop, Bell] = WeakKeyDictionary()

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
        loop = running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        bell = self._bell(loop)
        while True:
            rung = bell.rung
            soon = self._db.peek(look)
            if soon is not None and soon <= 0:
                return
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                return
            anyway = WITHOUT_BELL if bell.silent else LOOK_ANYWAY
            await bell.wait(rung, min(x for x in (soon, left, anyway) if x is not None))

    def _bell(self, loop: asyncio.AbstractEventLoop) -> Bell:
        if self._pid != os.getpid():
            self._forget()
        bell = self._bells.get(loop)
        if bell is None:
            self._db.open()
            bell = self._bells[loop] = Bell(self._db.path, loop)
        return bell

    def close(self) -> None:
        if self._pid == os.getpid():
            for bell in list(self._bells.values()):
                bell.close()
        self._forget()

    def _forget(self) -> None:
        # A forked child leaves the parent's bells alone: to take one down here would take it down there.
        self._pid = os.getpid()
        self._bells = WeakKeyDictionary()


def _look_for_end(job_id: str, ended: list[State], connection: sqlite3.Connection) -> float | None:
    where, values = with_ids((job_id,))
    row = connection.execute(f"SELECT state FROM queuemgr_jobs WHERE {where}", values).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    if row[0] < State.SUCCEEDED:
        return None
    ended.append(State(row[0]))
    return 0
