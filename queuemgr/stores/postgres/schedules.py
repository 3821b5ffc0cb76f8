"""Schedules as rows, and the one transaction in which a firing's jobs come to be. It computes no times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.fault import point
from queuemgr.keeping import read_schedules, yielding
from queuemgr.schedule import encode_schedule

from .encoding import encode_jobs
from .gathering import enqueued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import Job
    from queuemgr.schedule import Schedule
    from queuemgr.store import ScheduleInfo

    from .connecting import Connection

# Who puts a schedule read it a moment ago, and it may have fired since: the same rule never goes back to such a moment.
_PUT = """
INSERT INTO schedules AS old (name, definition, next_at) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, next_at = CASE
    WHEN excluded.next_at <= old.last_at AND (old.definition->'rule')::text = (excluded.definition->'rule')::text
    THEN old.next_at ELSE excluded.next_at END
"""


def put(schedule: Schedule, next_at: float | None, connection: Connection) -> None:
    connection.execute(_PUT, (schedule.name, encode_schedule(schedule), next_at))
    connection.execute("SELECT rouse()")


def all_of(connection: Connection) -> list[ScheduleInfo]:
    rows = connection.execute(
        'SELECT name, definition::text, next_at, last_at, last_job FROM schedules ORDER BY name COLLATE "C"'
    )
    return read_schedules(rows)


def remove(name: str, connection: Connection) -> bool:
    return connection.execute("DELETE FROM schedules WHERE name = %s", (name,)).rowcount == 1


def fire(
    name: str,
    due: float,
    next_at: float | None,
    jobs: Sequence[Job],
    given: float | None,
    connection: Connection,
) -> bool:
    moved = connection.execute(
        "UPDATE schedules SET next_at = %s, last_at = %s WHERE name = %s AND next_at = %s",
        (next_at, due, name, due),
    )
    if not moved.rowcount:
        return False
    if jobs:
        # A firing whose key is taken is passed by.
        packed = encode_jobs([yielding(job) for job in jobs]).decode()
        row = connection.execute("SELECT enqueue(%s, %s, false)::text", (packed, given)).fetchone()
        new = [one.id for one in enqueued(jobs, row[0] if row else None) if not one.existing]
        if new:
            connection.execute("UPDATE schedules SET last_job = %s WHERE name = %s", (new[-1], name))
    point("tick.inserted")
    return True
