"""Unique keys at the moment of enqueueing: who holds one, and what becomes of the newcomer. It inserts no jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import JobExists
from queuemgr.store import Enqueued

from . import control
from .finding import find_seq

if TYPE_CHECKING:
    import sqlite3

    from queuemgr.job import Job


def resolve(connection: sqlite3.Connection, job: Job, now: float) -> Enqueued:
    assert job.unique is not None
    key, window = job.unique.key, job.unique.window
    if find_seq(connection, job.id) is not None:
        # Sent twice: a job that has ended since must not take its key again.
        return Enqueued(job.id)
    taken = "SELECT job FROM queuemgr_unique WHERE key = ? AND (NOT finished OR expires_at > ?)"
    held = connection.execute(taken, (key, now)).fetchone()
    replaced = None
    if held:
        match job.unique.on_conflict:
            case "existing":
                return Enqueued(held[0], existing=True)
            case "replace":
                replaced = held[0]
                control.replace(connection, replaced, job.id, now)
            case _:
                raise JobExists(key, held[0])
    expires = None if window is None else now + window
    connection.execute("INSERT OR REPLACE INTO queuemgr_unique VALUES (?, ?, ?, 0)", (key, job.id, expires))
    return Enqueued(job.id, replaced=replaced)
