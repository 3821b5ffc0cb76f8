"""Schedules as rows, and the one transaction in which a firing's jobs come to be. It computes no times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.fault import point
from queuemgr.keeping import read_schedules, yielding
from queuemgr.schedule import encode_schedule

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from queuemgr.job import Job
    from queuemgr.schedule import Schedule
    from queuemgr.store import Enqueued, ScheduleInfo


# Who puts a schedule read it a moment ago, and it may have fired since: the same rule never goes back to such a moment.
_PUT = """
INSERT INTO queuemgr_schedules (name, definition, next_at) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, next_at = CASE
    WHEN excluded.next_at <= last_at AND json_valid(definition)
        AND json_extract(definition, '$.rule') = json_extract(excluded.definition, '$.rule')
    THEN next_at ELSE excluded.next_at END
"""


def put(schedule: Schedule, next_at: float | None, connection: sqlite3.Connection) -> None:
    connection.execute(_PUT, (schedule.name, encode_schedule(schedule), next_at))


def all_of(connection: sqlite3.Connection) -> list[ScheduleInfo]:
    rows = connection.execute(
        "SELECT name, definition, next_at, last_at, last_job FROM queuemgr_schedules ORDER BY name"
    )
    return read_schedules(rows)


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
        "UPDATE queuemgr_schedules SET next_at = ?, last_at = ? WHERE name = ? AND next_at = ?",
        (next_at, due, name, due),
    )
    if not moved.rowcount:
        return False
    # A firing whose key is taken is passed by.
    done = enqueue([yielding(job) for job in jobs], connection)
    new = [(one.id, name) for one in done if not one.existing]
    connection.executemany("UPDATE queuemgr_schedules SET last_job = ? WHERE name = ?", new[-1:])
    point("tick.inserted")
    return True
