"""Accepts jobs inside a transaction: the unique keys, the rows and their tags. It leases none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import JobExists
from queuemgr.fault import point
from queuemgr.job import Job, State, next_order, order_of
from queuemgr.store import Enqueued

from . import control, statements
from .finding import REACH, find_seq

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_dump = msgspec.json.Encoder().encode


def enqueue_all(jobs: Sequence[Job], now: float, connection: sqlite3.Connection) -> list[Enqueued]:
    """Raises JobExists; what was done before is then for the caller's transaction to take back."""
    done: list[Enqueued] = []
    for job in jobs:
        answer = _resolve_unique(connection, job, now) if job.unique else Enqueued(job.id)
        done.append(answer)
        if answer.existing:
            continue
        seq = _insert(connection, job, now)
        if job.tags and seq is not None:
            tags = ((tag, seq) for tag in job.tags)
            connection.executemany("INSERT OR IGNORE INTO queuemgr_tags VALUES (?, ?)", tags)
    point("enqueue.inserted")
    return done


def _insert(connection: sqlite3.Connection, job: Job, now: float) -> int | None:
    """The row's number; None if the job is there already."""
    order = order_of(job.id)
    for seq in range(order, order + REACH) if order is not None else ():
        if connection.execute(statements.INSERT, _row(job, seq, False, now)).rowcount:
            return seq
        if find_seq(connection, job.id) is not None:
            return None
    while not connection.execute(statements.INSERT, _row(job, seq := next_order(), True, now)).rowcount:
        if find_seq(connection, job.id) is not None:
            return None
    return seq


def _row(job: Job, seq: int, named: bool, now: float) -> tuple[Any, ...]:
    state = State.READY
    if job.held:
        state = State.HELD
    elif job.run_at is not None and job.run_at > now:
        state = State.SCHEDULED
    return (
        seq,
        job.id,
        named,
        state,
        job.queue,
        job.task,
        job.priority,
        job.run_at,
        job.created_at,
        job.keep,
        job.at_most_once,
        job.unique.key if job.unique else None,
        _dump(job.tags).decode() if job.tags else None,
        _dump(job.options).decode() if job.options else None,
        job.crash_budget,
        job.args,
    )


def _resolve_unique(connection: sqlite3.Connection, job: Job, now: float) -> Enqueued:
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
