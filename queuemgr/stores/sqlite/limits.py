"""How many jobs of a queue run at once, of all workers together. Nothing is looked up where nobody set a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

ROOM = """
SELECT queue, running - (SELECT count(*) FROM queuemgr_jobs INDEXED BY queuemgr_running
                         WHERE state = 2 AND queue = queuemgr_limits.queue) AS room
FROM queuemgr_limits
"""


def put(queue: str, running: int | None, connection: sqlite3.Connection) -> None:
    if running is None:
        connection.execute("DELETE FROM queuemgr_limits WHERE queue = ?", (queue,))
    else:
        connection.execute("INSERT OR REPLACE INTO queuemgr_limits VALUES (?, ?)", (queue, running))


def all_of(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT queue, running FROM queuemgr_limits"))


def rooms(connection: sqlite3.Connection) -> dict[str, int]:
    """How many more jobs of each limited queue may run."""
    return dict(connection.execute(ROOM))
