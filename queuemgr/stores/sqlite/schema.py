"""The tables of the SQLite store and the way from each version of them to the next. It opens no file itself.

All names begin with `queuemgr_`, so that the tables can live in an application's own database and a job can be enqueued
in the application's own transaction. A migration is never changed once released; a new one is appended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import ForeignStore, NewerStore

if TYPE_CHECKING:
    import sqlite3

# The state of a job is a small integer (job.State): 0 scheduled, 1 ready, 2 running, 3 held, 4 parked, 5+ finished.
# Scheduled jobs stand outside the index of ready ones: at its head they would be read and skipped by every claim.
# An enqueue writes to as few pages as possible: the row and the index of ready jobs. All other indexes begin later in a
# job's life. The row is found by its id without an index, because `seq` is the number within the id (job.order_of);
# where two ids hold the same number, the second takes the next free one. Ids that somebody chose himself are `named`
# and have an index. `done` is the final state, or 0 until then.
# Ready jobs stand in lanes, one for each task of a queue, in the order in which they are claimed. A claim merges the
# lanes of its queue; a list of one task's jobs, or of one queue's, is read from them just as well.
# Ready jobs that have seen a worker die stand in an index of their own, because at most one is leased to a worker.
# Jobs are counted up to the row that queuemgr_counted names (counting.py). Triggers count them anew when they move, but
# are passed by where a statement does not name `crashes`: claims and successes, which move jobs by the thousand, do not
# name it and count for themselves, in sums. A new job is nearly always newer than all that are counted; its statement
# says so, and where it is not true the job is counted by itself: a trigger for that would make a tenth of the price of
# a job that comes with a thousand others.
V1 = """
CREATE TABLE queuemgr_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE queuemgr_jobs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    named INTEGER NOT NULL,
    state INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    queue TEXT NOT NULL,
    task TEXT NOT NULL,
    priority INTEGER NOT NULL,
    run_at REAL,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    expires_at REAL,
    keep REAL,
    attempt INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    crash_budget INTEGER NOT NULL DEFAULT 3,
    at_most_once INTEGER NOT NULL DEFAULT 0,
    cancel INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    progress REAL,
    note TEXT,
    unique_key TEXT,
    tags TEXT,
    options TEXT,
    error TEXT,
    args BLOB NOT NULL,
    result BLOB
);
CREATE UNIQUE INDEX queuemgr_named ON queuemgr_jobs (id) WHERE named = 1;
CREATE INDEX queuemgr_ready ON queuemgr_jobs (queue, priority DESC, seq, task) WHERE state = 1 AND crashes = 0;
CREATE INDEX queuemgr_suspect ON queuemgr_jobs (queue, seq) WHERE state = 1 AND crashes > 0;
CREATE INDEX queuemgr_scheduled ON queuemgr_jobs (run_at) WHERE state = 0;
CREATE INDEX queuemgr_running ON queuemgr_jobs (worker) WHERE state = 2;
CREATE INDEX queuemgr_parked ON queuemgr_jobs (task, queue) WHERE state = 4;
CREATE INDEX queuemgr_expiring ON queuemgr_jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX queuemgr_by_state ON queuemgr_jobs (state, seq, queue) WHERE state <> 1;
CREATE INDEX queuemgr_by_queue ON queuemgr_jobs (queue, done, seq) WHERE done > 0;
CREATE INDEX queuemgr_by_task ON queuemgr_jobs (task, done, seq) WHERE done > 0;

CREATE TABLE queuemgr_tags (tag TEXT NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (tag, job)) WITHOUT ROWID;
CREATE INDEX queuemgr_tags_of ON queuemgr_tags (job);

CREATE TABLE queuemgr_attempts (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    worker TEXT NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    exit_signal TEXT,
    peak_memory INTEGER,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE queuemgr_output (
    seq INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at REAL NOT NULL,
    stream TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX queuemgr_output_of ON queuemgr_output (job, seq);

CREATE TABLE queuemgr_unique (
    key TEXT PRIMARY KEY, job TEXT NOT NULL, expires_at REAL, finished INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX queuemgr_unique_of ON queuemgr_unique (job);
CREATE INDEX queuemgr_unique_over ON queuemgr_unique (expires_at) WHERE finished = 1;

CREATE TABLE queuemgr_paused (queue TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE queuemgr_workers (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    birth INTEGER NOT NULL,
    name TEXT NOT NULL,
    queues TEXT NOT NULL,
    tasks TEXT NOT NULL,
    concurrency INTEGER NOT NULL,
    started_at REAL NOT NULL,
    beat_at REAL NOT NULL,
    state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE queuemgr_schedules (
    name TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    next_at REAL,
    last_at REAL,
    last_job TEXT
) WITHOUT ROWID;
CREATE INDEX queuemgr_next_firing ON queuemgr_schedules (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE queuemgr_keys (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at REAL) WITHOUT ROWID;
"""

V2 = """
DROP INDEX queuemgr_ready;
CREATE INDEX queuemgr_ready ON queuemgr_jobs (queue, task, priority DESC, seq) WHERE state = 1 AND crashes = 0;

CREATE TABLE IF NOT EXISTS queuemgr_counts (
    queue TEXT NOT NULL, task TEXT NOT NULL, state INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (queue, task, state)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queuemgr_counted (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS queuemgr_count_new AFTER INSERT ON queuemgr_jobs
WHEN new.seq <= (SELECT seq FROM queuemgr_counted)
BEGIN INSERT INTO queuemgr_counts VALUES (new.queue, new.task, new.state, 1)
ON CONFLICT (queue, task, state) DO UPDATE SET number = number + 1; END;
CREATE TRIGGER IF NOT EXISTS queuemgr_count_move AFTER UPDATE OF crashes ON queuemgr_jobs
WHEN new.state <> old.state AND new.seq <= (SELECT seq FROM queuemgr_counted)
BEGIN INSERT INTO queuemgr_counts VALUES (old.queue, old.task, old.state, -1), (new.queue, new.task, new.state, 1)
ON CONFLICT (queue, task, state) DO UPDATE SET number = number + excluded.number; END;
CREATE TRIGGER IF NOT EXISTS queuemgr_count_gone AFTER DELETE ON queuemgr_jobs
WHEN old.seq <= (SELECT seq FROM queuemgr_counted)
BEGIN INSERT INTO queuemgr_counts VALUES (old.queue, old.task, old.state, -1)
ON CONFLICT (queue, task, state) DO UPDATE SET number = number - 1; END;

CREATE TABLE IF NOT EXISTS queuemgr_limits (queue TEXT PRIMARY KEY, running INTEGER NOT NULL) WITHOUT ROWID;
"""

V3 = "DROP TRIGGER IF EXISTS queuemgr_count_new"

MIGRATIONS = (V1, V2, V3)
VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """The schema's version; 0 in a file without our tables. Raises ForeignStore."""
    names = {
        row[0]
        for row in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'queuemgr\\_%' ESCAPE '\\'")
    }
    if not names:
        return 0
    if "queuemgr_meta" not in names:
        raise ForeignStore(f"has a table {min(names)!r} that queuemgr did not make; choose another file")
    columns = {row[1] for row in connection.execute("PRAGMA table_info(queuemgr_meta)")}
    ours = columns == {"key", "value"}
    row = connection.execute("SELECT value FROM queuemgr_meta WHERE key = 'schema'").fetchone() if ours else None
    if row is None or not str(row[0]).isdigit():
        raise ForeignStore("has a table 'queuemgr_meta' without a schema version; choose another file")
    return int(row[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to this version, inside the caller's transaction. Raises NewerStore, ForeignStore."""
    version = version_of(connection)
    if version > VERSION:
        raise NewerStore(
            f"was written by a newer queuemgr (schema {version}, this one knows {VERSION}): "
            "update queuemgr everywhere that uses this file"
        )
    for script in MIGRATIONS[version:]:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.execute(statement)
    if version < VERSION:
        connection.execute("INSERT OR REPLACE INTO queuemgr_meta VALUES ('schema', ?)", (str(VERSION),))
