"""Takes jobs back from workers that are dead or have left. It never touches the job of a worker that lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.fault import point
from queuemgr.job import State
from queuemgr.liveness import lives, this_host
from queuemgr.store import KEEP_DEAD, LEASE

from . import control

if TYPE_CHECKING:
    import sqlite3

_INTERRUPTED = "queuemgr.errors.Interrupted"


def take_back_from_the_dead(connection: sqlite3.Connection, now: float) -> int:
    """Give the jobs of every dead worker back to their queues; how many workers were dead."""
    dead = [row for row in connection.execute("SELECT * FROM queuemgr_workers") if _is_dead(row, now)]
    for worker, *_, state in dead:
        # One that was stopping was ended by whoever stopped it, not by a job.
        _take_back(connection, worker, now, crashed=state != "stopping")
    if dead:
        point("reclaim.updated")
    return len(dead)


def leave(worker: str, now: float, connection: sqlite3.Connection) -> None:
    _take_back(connection, worker, now, crashed=False)


def _is_dead(row: tuple[Any, ...], now: float) -> bool:
    """On this machine the kernel knows; a worker in another process namespace is dead when its lease has run out."""
    _, host, pid, birth, *_, beat_at, _ = row
    return not lives(pid, birth) if host == this_host() else beat_at + LEASE < now


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
        ended = now if state.finished else None
        connection.execute(
            "UPDATE queuemgr_jobs SET state = ?, done = ?, crashes = ?, worker = NULL, finished_at = ?,"
            " expires_at = ?, error = ? WHERE seq = ?",
            (
                state,
                state if state.finished else 0,
                crashes + blamed,
                ended,
                ended and now + KEEP_DEAD,
                error,
                seq,
            ),
        )
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
