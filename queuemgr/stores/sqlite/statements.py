"""The SQL of a job's life: enqueue, claim, settle. It stands here to be read in one piece; store.py runs it.

Every claim names its index, because the planner, which knows no statistics, would rather sort a million rows.
"""

from __future__ import annotations

from queuemgr.store import KEEP, KEEP_DEAD

INSERT = """
INSERT INTO queuemgr_jobs (seq, id, named, state, queue, task, priority, run_at, created_at, keep, at_most_once,
                           unique_key, tags, options, crash_budget, args)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
PROMOTE = """
UPDATE queuemgr_jobs SET state = 1 WHERE seq IN
    (SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0 AND run_at <= ?
     ORDER BY run_at LIMIT ?)
"""
LEASE = """
UPDATE queuemgr_jobs SET state = 2, worker = ?, attempt = attempt + 1, started_at = ?, progress = NULL, note = NULL
WHERE seq IN ({which})
RETURNING seq, id, task, queue, attempt, failures, crashes, at_most_once, options, args, priority
"""
READY = LEASE.format(
    which="""SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_ready WHERE state = 1 AND crashes = 0 AND queue = ?
             ORDER BY priority DESC, seq LIMIT ?"""
)
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
UPDATE queuemgr_jobs SET state = 5, done = 5, finished_at = ?, expires_at = ? + coalesce(keep, {KEEP}), result = ?,
    progress = 100, error = NULL {MINE} RETURNING unique_key
"""
END = f"""
UPDATE queuemgr_jobs SET state = ?, done = ?, failures = failures + ?, crashes = crashes + ?, finished_at = ?,
    expires_at = ? + CASE ? WHEN 6 THEN max(coalesce(keep, 0), {KEEP_DEAD}) ELSE coalesce(keep, {KEEP}) END, error = ?,
    result = ? {MINE} RETURNING unique_key
"""
AGAIN = f"""
UPDATE queuemgr_jobs SET state = ?, run_at = coalesce(?, run_at), failures = failures + ?, crashes = crashes + ?,
    error = ?, worker = NULL {MINE} RETURNING cancel
"""
ATTEMPT = "INSERT OR REPLACE INTO queuemgr_attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
NEXT_DUE = """
SELECT min(moment) FROM (SELECT min(run_at) AS moment FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0
                         UNION ALL SELECT min(next_at) FROM queuemgr_schedules WHERE next_at IS NOT NULL)
"""
