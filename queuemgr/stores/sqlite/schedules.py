"""Schedules as rows, and the one transaction in which a firing's jobs come to be. It computes no times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.fault import point
from queuemgr.schedule import decode_schedule, encode_schedule
from queuemgr.store import ScheduleInfo

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from queuemgr.job import Job
    from queuemgr.schedule import Schedule
    from queuemgr.store import Enqueued


def put(schedule: Schedule, next_at: float | None, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO queuemgr_schedules (name, definition, next_at) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, next_at = excluded.next_at",
        (schedule.name, encode_schedule(schedule), next_at),
    )


def all_of(connection: sqlite3.Connection) -> list[ScheduleInfo]:
    rows = connection.execute("SELECT definition, next_at, last_at, last_job FROM queuemgr_schedules ORDER BY name")
    return [
        ScheduleInfo(schedule=decode_schedule(row[0]), next_at=row[1], last_at=row[2], last_job=row[3]) for row in rows
    ]


def remove(name: str, connection: sqlite3.Connection) -> bool:
    return connection.execute("DELETE FROM queuemgr_schedules WHERE name = ?", (name,)).rowcount == 1


def fire(
    name: str,
    due: float,
    next_at: float | None,
    jobs: Sequence[Job],
    enqueue: Callable[[Sequence[Job], sqlite3.Connection], list[Enqueued]],
    connection: sqlite3.Connection,
) -> bool:
    moved = connection.execute(
        "UPDATE queuemgr_schedules SET next_at = ?, last_at = ?, last_job = coalesce(?, last_job)"
        " WHERE name = ? AND next_at = ?",
        (next_at, due, jobs[-1].id if jobs else None, name, due),
    )
    if not moved.rowcount:
        return False
    enqueue(jobs, connection)
    point("tick.inserted")
    return True
