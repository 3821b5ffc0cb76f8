"""Takes jobs back from workers that are dead or have left. It never touches the job of a worker that lives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.fault import point
from queuemgr.job import State
from queuemgr.liveness import is_alive
from queuemgr.store import KEEP, KEEP_DEAD, LEASE

from . import control

if TYPE_CHECKING:
    import sqlite3

    from queuemgr.liveness import Life
    from queuemgr.store import WorkerInfo

_INTERRUPTED = "queuemgr.errors.Interrupted"
_TAKE_BACK = f"""
UPDATE queuemgr_jobs SET state = :state, done = :done, crashes = :crashes, worker = NULL, finished_at = :ended,
    expires_at = :ended + CASE :state WHEN 6 THEN max(coalesce(keep, 0), {KEEP_DEAD}) ELSE coalesce(keep, {KEEP}) END,
    error = :error
WHERE seq = :seq
"""


def take_back_from_the_dead(connection: sqlite3.Connection, now: float) -> int:
    """Give the jobs of every dead worker back to their queues; how many workers were dead."""
    # A beat from the future was made before the clock was put back: the lease counts from now.
    connection.execute("UPDATE queuemgr_workers SET beat_at = ? WHERE beat_at > ?", (now, now))
    dead = [row for row in connection.execute("SELECT * FROM queuemgr_workers") if _is_dead(row, now)]
    for worker, *_, state in dead:
        # One that was stopping was ended by whoever stopped it, not by a job.
        _take_back(connection, worker, now, crashed=state != "stopping")
    if dead:
        point("reclaim.updated")
    return len(dead)


def join(worker: WorkerInfo, now: float, connection: sqlite3.Connection) -> None:
    """A worker begins. What one of the same name held that was another process goes back first."""
    before = connection.execute("SELECT * FROM queuemgr_workers WHERE id = ?", (worker.id,)).fetchone()
    if before is not None and before[1:4] != (worker.host, worker.pid, worker.birth):
        _take_back(connection, worker.id, now, crashed=before[-1] != "stopping")
    control.join(worker, connection)


def keep_known(worker: WorkerInfo, now: float, connection: sqlite3.Connection) -> None:
    """One that was taken for dead but asks on is alive: what it leases must have an owner whose death is noticed."""
    known = connection.execute("SELECT beat_at FROM queuemgr_workers WHERE id = ?", (worker.id,)).fetchone()
    if known is None:
        control.join(replace(worker, beat_at=now), connection)
    elif not 0 <= now - known[0] < LEASE / 3:
        connection.execute("UPDATE queuemgr_workers SET beat_at = ? WHERE id = ?", (now, worker.id))


def leave(worker: str, now: float, connection: sqlite3.Connection, *, died: bool, life: Life | None) -> None:
    if life is None or bears(worker, life, connection):
        _take_back(connection, worker, now, crashed=died)


def bears(worker: str, life: Life, connection: sqlite3.Connection) -> bool:
    """Whether it is that process which has the worker's name."""
    found = connection.execute("SELECT host, pid, birth FROM queuemgr_workers WHERE id = ?", (worker,)).fetchone()
    return bool(found == life)


def _is_dead(row: tuple[Any, ...], now: float) -> bool:
    _, host, pid, birth, *_, beat_at, _ = row
    return not is_alive(host, pid, birth, now - beat_at, LEASE)


def _take_back(connection: sqlite3.Connection, worker: str, now: float, *, crashed: bool) -> None:
    held = connection.execute(
        "SELECT seq, id, attempt, crashes, crash_budget, at_most_once, cancel, started_at"
        " FROM queuemgr_jobs INDEXED BY queuemgr_running WHERE state = 2 AND worker = ?",
        (worker,),
    ).fetchall()
    # A worker holds at most one job that has seen a worker die before. If it dies with one, that one is the suspect.
    any_suspect = any(row[3] for row in held)
    for seq, job_id, attempt, crashes, budget, once, cancel, started_at in held:
        blamed = crashed and (crashes > 0 or not any_suspect)
        word = "interrupted" if crashed else "given back"
        state, reason = _fate(crashes + blamed, budget, bool(once), bool(cancel), blamed=blamed)
        message = f"the worker {worker} died while it ran the job" if crashed else f"the worker {worker} left"
        error = msgspec.json.encode({"type": _INTERRUPTED, "message": message, "reason": reason}).decode()
        done, ended = (state, now) if state.finished else (0, None)
        values = {"state": state, "done": done, "crashes": crashes + blamed, "ended": ended, "error": error, "seq": seq}
        connection.execute(_TAKE_BACK, values)
        connection.execute(
            "INSERT OR REPLACE INTO queuemgr_attempts VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (seq, attempt, worker, started_at, now, word, error),
        )
        if state.finished:
            control.free_unique(connection, job_id, now)
    connection.execute("DELETE FROM queuemgr_workers WHERE id = ?", (worker,))


def _fate(crashes: int, budget: int, once: bool, cancel: bool, *, blamed: bool) -> tuple[State, str | None]:
    if cancel:
        return State.CANCELLED, "cancelled while running"
    if once:
        return State.DEAD, "it was interrupted, and it runs at most once"
    if blamed and crashes >= budget:
        return State.DEAD, f"quarantined: {crashes} workers died while they ran it"
    return State.READY, None
