"""Fills a store with more than a million jobs in seconds: rows by the hundred thousand, their indexes afterwards.

It makes no job that runs: those come from a worker.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from queuemgr.job import State
from queuemgr.stores.sqlite.store import SqliteStore

STEP = 10
"""Milliseconds between two jobs; each has one of its own, because its row is found by that."""

READY = 1_000_000


@dataclass(frozen=True, slots=True)
class Segment:
    """Jobs alike, one after another. `error` is an expression of SQL in which `i` is the number of the job."""

    number: int
    state: State
    queue: str
    task: str
    error: str = "NULL"


def failed(type_: str, message: str) -> str:
    return f"""'{{"type":"{type_}","message":"{message}"}}'"""


SEGMENTS = (
    Segment(150_000, State.SUCCEEDED, "mail", "shop.letter"),
    Segment(10_000, State.CANCELLED, "imports", "shop.import"),
    Segment(
        20_000, State.DEAD, "payments", "shop.charge", failed("ValueError", "the card of order '||i||' was declined")
    ),
    Segment(
        4_000,
        State.DEAD,
        "mail",
        "shop.letter",
        failed("ConnectionError", "the server of user'||i||'@example.org refused"),
    ),
    Segment(50, State.DEAD, "imports", "shop.import", failed("TimeoutError", "ran longer than 30 s")),
    Segment(500_000, State.READY, "mail", "shop.letter"),
    Segment(300_000, State.READY, "exports", "shop.export"),
    Segment(READY - 800_000, State.READY, "imports", "shop.import"),
    Segment(20_000, State.SCHEDULED, "later", "shop.remind"),
    Segment(20_000, State.HELD, "kept", "shop.keep"),
    Segment(100, State.PARKED, "odd", "shop.unheard_of"),
)
_INSERT = """
INSERT INTO queuemgr_jobs (seq, id, named, state, done, queue, task, priority, created_at, run_at, started_at,
                           finished_at, expires_at, attempt, worker, error, args)
WITH RECURSIVE
    numbers (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM numbers WHERE i < :last),
    moments (i, at) AS (SELECT i, :start + i * :step FROM numbers)
SELECT at << 21, printf('%08x-%04x-7000-8000-%012x', at >> 16, at & 65535, i), 0, :state, :done, :queue, :task, 0,
       at / 1000.0, iif(:state = 0, :now + 3600 + i % 3600, NULL), iif(:done, at / 1000.0 + 1, NULL),
       iif(:done, at / 1000.0 + 2, NULL), iif(:done, :now + 604800, NULL), :done > 0, iif(:done, 'old:1:a', NULL),
       {error}, CAST('[[' || i || ']]' AS BLOB)
FROM moments
"""


def fill(path: Path) -> None:
    """Make the file, the tables of this version in it, and all jobs of SEGMENTS, the last of them a minute old."""
    store = SqliteStore(f"sqlite:///{path}")
    store.enqueue_now([])
    store.close_now()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    connection.execute("BEGIN")
    beside = "type = 'index' AND sql IS NOT NULL AND tbl_name = 'queuemgr_jobs' OR type = 'trigger'"
    made = connection.execute(f"SELECT type, name, sql FROM sqlite_master WHERE {beside}").fetchall()
    for kind, name, _ in made:
        connection.execute(f"DROP {kind} {name}")
    _insert(connection)
    for _, _, sql in made:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def _insert(connection: sqlite3.Connection) -> None:
    now, first = time.time(), 0
    start = int(now * 1000) - 60_000 - STEP * sum(segment.number for segment in SEGMENTS)
    for segment in SEGMENTS:
        values = {
            "first": first,
            "last": first + segment.number - 1,
            "start": start,
            "step": STEP,
            "now": now,
            "state": segment.state,
            "done": segment.state if segment.state.finished else 0,
            "queue": segment.queue,
            "task": segment.task,
        }
        connection.execute(_INSERT.format(error=segment.error), values)
        counted = (segment.queue, segment.task, segment.state, segment.number)
        connection.execute("INSERT INTO queuemgr_counts VALUES (?, ?, ?, ?)", counted)
        first += segment.number
    connection.execute("INSERT INTO queuemgr_counted SELECT 1, max(seq) FROM queuemgr_jobs")
