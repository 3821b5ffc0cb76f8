"""How many jobs there are of each queue, task and state: counted up to a row, and looked through from there on.

The newest jobs are not counted, so that most of them, which end soon, are counted once and not at every move. Those up
to the row that `queuemgr_counted` names are counted again when they move: by triggers (schema.py), and by claims and
successes themselves (store.py). It moves no jobs.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .statements import COUNTED_UPTO

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from queuemgr.job import State

BEHIND = 2000
"""How many jobs may be uncounted before whoever asks for their number has them counted."""

AT_ONCE = 5000
"""How many are counted in one transaction, which takes a few milliseconds."""

STEPS = 4
"""How many such transactions whoever asks waits for."""

TALLY = f"""
(SELECT queue, task, state, number FROM queuemgr_counts
 UNION ALL SELECT queue, task, state, 1 FROM queuemgr_jobs WHERE seq > {COUNTED_UPTO})
"""
_COUNTED = "SELECT queue, state, number FROM queuemgr_counts"
_UNCOUNTED = tuple(
    f"SELECT queue, {state}, count(*) FROM queuemgr_jobs INDEXED BY queuemgr_{index} "
    f"WHERE {which} AND seq > {COUNTED_UPTO} GROUP BY {group}"
    for index, which, state, group in (
        # A state that is a number and no column is read without the row.
        ("ready", "state = 1 AND crashes = 0", "1", "queue"),
        ("suspect", "state = 1 AND crashes > 0", "1", "queue"),
        ("by_state", "state <> 1 AND state < 5", "state", "queue, state"),
        ("by_queue", "done > 0", "done", "queue, done"),
    )
)
_ADD = """
INSERT INTO queuemgr_counts VALUES (?, ?, ?, ?)
ON CONFLICT (queue, task, state) DO UPDATE SET number = number + excluded.number
"""

_APPEAR = f"""
INSERT INTO queuemgr_counts SELECT ?, ?, ?, 1 WHERE ? <= {COUNTED_UPTO}
ON CONFLICT (queue, task, state) DO UPDATE SET number = number + 1
"""


def tally(connection: sqlite3.Connection) -> Counter[tuple[str, str, int]]:
    """How many of each (queue, task, state)."""
    found: Counter[tuple[str, str, int]] = Counter()
    for *which, number in connection.execute("SELECT queue, task, state, number FROM queuemgr_counts"):
        found[tuple(which)] = number
    found.update(connection.execute(f"SELECT queue, task, state FROM queuemgr_jobs WHERE seq > {COUNTED_UPTO}"))
    return found


def of_queues(connection: sqlite3.Connection) -> Counter[tuple[str, int]]:
    """How many of each (queue, state)."""
    sources = (_COUNTED, *_UNCOUNTED) if is_behind(connection) else (f"SELECT queue, state, number FROM {TALLY}",)
    found: Counter[tuple[str, int]] = Counter()
    for source in sources:
        for queue, state, number in connection.execute(source):
            found[queue, state] += number
    return found


def is_behind(connection: sqlite3.Connection) -> bool:
    uncounted = f"SELECT 1 FROM queuemgr_jobs WHERE seq > {COUNTED_UPTO} LIMIT {BEHIND + 1}"
    return bool(connection.execute(f"SELECT count(*) FROM ({uncounted})").fetchone()[0] > BEHIND)


def follow(connection: sqlite3.Connection) -> bool:
    """Count the next jobs; whether there may be more of them."""
    rows = connection.execute(
        f"SELECT queue, task, state, seq FROM queuemgr_jobs WHERE seq > {COUNTED_UPTO} ORDER BY seq LIMIT {AT_ONCE}"
    ).fetchall()
    if rows:
        found = Counter(row[:3] for row in rows)
        connection.executemany(_ADD, [(*which, number) for which, number in found.items()])
        connection.execute("INSERT OR REPLACE INTO queuemgr_counted VALUES (1, ?)", rows[-1][3:])
    return len(rows) == AT_ONCE


def move(connection: sqlite3.Connection, jobs: Iterable[tuple[str, str, int]], to: State) -> None:
    """Count counted jobs again that have moved; of each its queue, its task and what it was."""
    for (queue, task, was), number in Counter(jobs).items():
        connection.executemany(_ADD, [(queue, task, was, -number), (queue, task, to, number)])


def appear(connection: sqlite3.Connection, queue: str, task: str, state: State, seq: int) -> None:
    """Count a new job if it stands among those that are counted."""
    connection.execute(_APPEAR, (queue, task, state, seq))


def forget_none(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM queuemgr_counts WHERE number = 0")
