"""The SQL of a job's life: enqueue, claim, settle. It stands here to be read in one piece; store.py runs it.

Every claim names its index, because the planner, which knows no statistics, would rather sort a million rows.
"""

from __future__ import annotations

from queuemgr.store import KEEP, KEEP_DEAD

COLUMNS = (
    *("seq", "id", "named", "state", "queue", "task", "priority", "run_at", "created_at", "keep", "at_most_once"),
    *("unique_key", "tags", "options", "crash_budget", "args"),
)
COUNTED_UPTO = "(SELECT coalesce(max(seq), -1) FROM queuemgr_counted)"
INSERT_NEWER = f"""
INSERT INTO queuemgr_jobs ({", ".join(COLUMNS)}) SELECT {", ".join("?" * len(COLUMNS))} WHERE ? > {COUNTED_UPTO}
ON CONFLICT DO NOTHING
"""
INSERT = f"""
INSERT INTO queuemgr_jobs ({", ".join(COLUMNS)}) VALUES ({", ".join("?" * len(COLUMNS))}) ON CONFLICT DO NOTHING
"""
PROMOTE = """
UPDATE queuemgr_jobs SET state = 1, crashes = crashes WHERE seq IN
    (SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0 AND run_at <= ?
     ORDER BY run_at LIMIT ?)
"""
LEASE = """
UPDATE queuemgr_jobs SET state = 2, worker = ?, attempt = attempt + 1, started_at = ?, progress = NULL, note = NULL
WHERE seq IN ({which})
RETURNING seq, id, task, queue, attempt, failures, crashes, at_most_once, options, args, unique_key, priority
"""
_LANE = """SELECT {columns} FROM queuemgr_jobs INDEXED BY queuemgr_ready
           WHERE state = 1 AND crashes = 0 AND queue = ? AND task = ? ORDER BY priority DESC, seq LIMIT ?"""
READY = LEASE.format(which=_LANE.format(columns="seq"))
FIRST_READY = _LANE.format(columns="-priority, seq, task")
CHOSEN = LEASE.format(which="SELECT value FROM json_each(?) LIMIT ?")
# The values that there are in a column of the index of ready jobs: one leap to each, however many jobs have it.
# What stands in `within` is bound twice: Python 3.12.0 to 3.12.3 warn of a numbered placeholder at every call.
_LEAPS = """
WITH RECURSIVE found (value) AS (
    SELECT {first} FROM queuemgr_jobs INDEXED BY queuemgr_ready WHERE state = 1 AND crashes = 0 {within}
    UNION ALL
    SELECT (SELECT {first} FROM queuemgr_jobs INDEXED BY queuemgr_ready
            WHERE state = 1 AND crashes = 0 {within} AND {beyond} found.value)
    FROM found WHERE found.value IS NOT NULL)
SELECT value FROM found WHERE value IS NOT NULL
"""
QUEUES = _LEAPS.format(first="min(queue)", within="", beyond="queue >")
ENDS = """
SELECT (SELECT min(task) FROM queuemgr_jobs INDEXED BY queuemgr_ready WHERE state = 1 AND crashes = 0 AND queue = ?),
       (SELECT max(task) FROM queuemgr_jobs INDEXED BY queuemgr_ready WHERE state = 1 AND crashes = 0 AND queue = ?)
"""
TASKS = _LEAPS.format(first="min(task)", within="AND queue = ?", beyond="task >")
PRIORITIES = _LEAPS.format(first="max(priority)", within="AND queue = ? AND task = ?", beyond="priority <")
SUSPECT = LEASE.format(
    which="""SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_suspect WHERE state = 1 AND crashes > 0 AND queue = ?
             AND NOT EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY queuemgr_running
                             WHERE state = 2 AND worker = ? AND crashes > 0)
             ORDER BY seq LIMIT ?"""
)
PARKED = LEASE.format(
    which="""SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_parked
             WHERE state = 4 AND crashes = 0 AND task IN (SELECT value FROM json_each(?)) AND queue = ?
             ORDER BY task, seq LIMIT ?"""
)
PARKED_SUSPECT = LEASE.format(
    which="""SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_parked
             WHERE state = 4 AND crashes > 0 AND task IN (SELECT value FROM json_each(?)) AND queue = ?
             AND NOT EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY queuemgr_running
                             WHERE state = 2 AND worker = ? AND crashes > 0)
             ORDER BY task, seq LIMIT ?"""
)
MINE = "WHERE seq = ? AND id = ? AND attempt = ? AND worker = ? AND state = 2"
SUCCEED = f"""
UPDATE queuemgr_jobs SET state = 5, done = 5, started_at = ?, finished_at = ?, expires_at = ? + coalesce(keep, {KEEP}),
    result = ?, progress = 100, error = NULL {MINE}
"""
END = f"""
UPDATE queuemgr_jobs SET state = ?, done = ?, failures = failures + ?, crashes = crashes + ?, started_at = ?,
    finished_at = ?, error = ?, result = ?,
    expires_at = ? + CASE ? WHEN 6 THEN max(coalesce(keep, 0), {KEEP_DEAD}) ELSE coalesce(keep, {KEEP}) END {MINE}
"""
AGAIN = f"""
UPDATE queuemgr_jobs SET state = ?, run_at = coalesce(?, run_at), failures = failures + ?, crashes = crashes + ?,
    error = ?, worker = NULL {MINE} RETURNING cancel
"""
ATTEMPT = "INSERT OR REPLACE INTO queuemgr_attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPTO = f"SELECT * FROM {COUNTED_UPTO}"
# When the next job or firing is due, up to where jobs are counted, and whether there is any of what few stores have.
LOOK = f"""
SELECT (SELECT min(moment) FROM (
            SELECT min(run_at) AS moment FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0
            UNION ALL SELECT min(next_at) FROM queuemgr_schedules WHERE next_at IS NOT NULL)),
    {COUNTED_UPTO},
    EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY queuemgr_parked WHERE state = 4),
    EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY queuemgr_suspect WHERE state = 1 AND crashes > 0),
    EXISTS (SELECT 1 FROM queuemgr_paused),
    EXISTS (SELECT 1 FROM queuemgr_limits)
"""
