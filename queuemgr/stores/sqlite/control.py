"""Changes that people and workers make to jobs, queues and workers by id or by query.

Claiming and settling are not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import ConfigError, did_you_mean
from queuemgr.job import WAITING, State
from queuemgr.keeping import sound
from queuemgr.store import KEEP, LEASE

from . import counting
from .finding import find_seq
from .listing import conditions

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from queuemgr.store import Query, Report, WorkerInfo

# A change that names `crashes` is counted (schema.py).
_DUE = "CASE WHEN run_at > :now THEN 0 ELSE 1 END"
_AFRESH = (
    "done = 0, failures = 0, crashes = 0, cancel = 0,"
    " finished_at = NULL, expires_at = NULL, error = NULL, result = NULL"
)
_ENDED = (
    "state = 7, done = 7, crashes = crashes, cancel = 0,"
    f" finished_at = :now, expires_at = :now + coalesce(keep, {KEEP})"
)

# A plain success stands only in the job (store.py); before the job runs again it moves to the history.
_KEEP_SUCCESS = """
INSERT OR IGNORE INTO queuemgr_attempts
SELECT seq, attempt, coalesce(worker, ''), started_at, finished_at, 'succeeded', NULL, NULL, NULL
FROM queuemgr_jobs WHERE seq = ? AND state = 5
"""

# verb: (what it does, to jobs in which state), in the order in which they are done
_VERBS: dict[str, tuple[tuple[str, tuple[State, ...]], ...]] = {
    "retry": (
        (
            f"state = 1, run_at = NULL, progress = NULL, note = NULL, {_AFRESH}",
            (State.SUCCEEDED, State.DEAD, State.CANCELLED),
        ),
        ("state = 1, crashes = crashes, run_at = NULL", (State.SCHEDULED,)),
    ),
    "cancel": (
        ("cancel = 1", (State.RUNNING,)),
        (f"""{_ENDED}, error = '{{"message":"cancelled before it ran"}}'""", tuple(sorted(WAITING))),
    ),
    "hold": (("state = 3, crashes = crashes", (State.SCHEDULED, State.READY, State.PARKED)),),
    "release": ((f"state = {_DUE}, crashes = crashes", (State.HELD,)),),
}
VERBS = (*_VERBS, "delete")


def states_of(verb: str) -> tuple[State, ...]:
    """In which states jobs can be told so. Raises ConfigError."""
    if verb == "delete":
        return tuple(state for state in State if state is not State.RUNNING)
    if verb not in _VERBS:
        raise ConfigError(f"jobs cannot be told to {verb!r}: {did_you_mean(verb, VERBS)}")
    return tuple(state for _, states in _VERBS[verb] for state in states)


def change(verb: str, query: Query, seqs: Sequence[int] | None, now: float, connection: sqlite3.Connection) -> int:
    """Change what still fits the query, of the rows `seqs` or of all; how many jobs."""
    where, values = _fitting(query, seqs)
    if verb == "delete":
        return _delete(connection, where, values)
    changed: list[tuple[int, str, str | None]] = []
    # Chosen before anything is changed: what the first step moves must not be moved again by the second.
    steps = [(what, _chosen(connection, where, values, states, verb, now)) for what, states in _VERBS[verb]]
    for what, chosen in steps:
        for seq, job_id, unique_key in chosen:
            connection.execute(_KEEP_SUCCESS, (seq,))
            connection.execute(f"UPDATE queuemgr_jobs SET {what} WHERE seq = :seq", {"seq": seq, "now": now})
            changed.append((seq, job_id, unique_key))
    for seq, job_id, unique_key in changed:
        if unique_key is not None and verb == "cancel":
            _free_if_ended(connection, seq, job_id, now)
    return len(changed)


def prioritise(priority: int, query: Query, seqs: Sequence[int] | None, connection: sqlite3.Connection) -> int:
    """As `change`. Nothing is counted anew, because no job moves."""
    where, values = _fitting(query, seqs)
    waiting = ", ".join(str(int(state)) for state in sorted(WAITING))
    sql = f"UPDATE queuemgr_jobs SET priority = ? WHERE {where} AND state IN ({waiting})"
    return connection.execute(sql, [priority, *values]).rowcount


def _fitting(query: Query, seqs: Sequence[int] | None) -> tuple[str, list[Any]]:
    where, values = conditions(query)
    if seqs is None:
        return where, values
    return f"seq IN (SELECT value FROM json_each(?)) AND {where}", [_array(seqs), *values]


def _array(values: Sequence[int]) -> str:
    return msgspec.json.encode(values).decode()


def _chosen(
    connection: sqlite3.Connection,
    where: str,
    values: list[Any],
    states: tuple[State, ...],
    verb: str,
    now: float,
) -> list[tuple[int, str, str | None]]:
    rows = connection.execute(
        f"SELECT seq, id, unique_key FROM queuemgr_jobs WHERE {where} AND state IN ({','.join('?' * len(states))})",
        [*values, *states],
    ).fetchall()
    if verb != "retry":
        return rows
    return [row for row in rows if row[2] is None or _take_unique(connection, row[2], row[1], now)]


def replace(connection: sqlite3.Connection, old: str, new: str, now: float) -> None:
    """The job `new` takes the place of `old`, which is cancelled unless it runs or has ended already."""
    error = msgspec.json.encode({"message": f"replaced by {new}"}).decode()
    connection.execute(
        f"UPDATE queuemgr_jobs SET {_ENDED}, error = :error WHERE seq = :seq AND state IN (0, 1, 3, 4)",
        {"now": now, "error": error, "seq": find_seq(connection, old)},
    )


def cancel_waiting(connection: sqlite3.Connection, seq: int | str, job_id: str, now: float) -> None:
    """A job that somebody wanted cancelled while it ran does not run again."""
    connection.execute(
        f"UPDATE queuemgr_jobs SET {_ENDED}, run_at = NULL WHERE seq = :seq AND state < 5", {"now": now, "seq": seq}
    )
    free_unique(connection, job_id, now)


def free_unique(connection: sqlite3.Connection, job_id: str, now: float) -> None:
    """The job has ended: its key is free, at once or when its window is over."""
    connection.execute(
        "DELETE FROM queuemgr_unique WHERE job = ? AND (expires_at IS NULL OR expires_at <= ?)", (job_id, now)
    )
    connection.execute("UPDATE queuemgr_unique SET finished = 1 WHERE job = ?", (job_id,))


def _free_if_ended(connection: sqlite3.Connection, seq: int, job_id: str, now: float) -> None:
    state = connection.execute("SELECT state FROM queuemgr_jobs WHERE seq = ?", (seq,)).fetchone()[0]
    if state >= State.SUCCEEDED:
        free_unique(connection, job_id, now)


def _take_unique(connection: sqlite3.Connection, key: str, job_id: str, now: float) -> bool:
    """A finished job that runs again needs its key again; False where another job holds it."""
    held = connection.execute(
        "SELECT job FROM queuemgr_unique WHERE key = ? AND (NOT finished OR expires_at > ?)", (key, now)
    ).fetchone()
    if held is not None and held[0] != job_id:
        return False
    connection.execute(
        "INSERT INTO queuemgr_unique VALUES (?, ?, NULL, 0)"
        " ON CONFLICT (key) DO UPDATE SET job = excluded.job, finished = 0",
        (key, job_id),
    )
    return True


def _delete(connection: sqlite3.Connection, where: str, values: list[Any], limit: int = -1) -> int:
    rows = connection.execute(
        f"SELECT seq, id FROM queuemgr_jobs WHERE {where} AND state <> 2 LIMIT ?", [*values, limit]
    ).fetchall()
    for seq, job_id in rows:
        connection.execute("DELETE FROM queuemgr_attempts WHERE job = ?", (seq,))
        connection.execute("DELETE FROM queuemgr_output WHERE job = ?", (seq,))
        connection.execute("DELETE FROM queuemgr_tags WHERE job = ?", (seq,))
        connection.execute("DELETE FROM queuemgr_unique WHERE job = ? AND NOT (finished AND expires_at)", (job_id,))
        connection.execute("DELETE FROM queuemgr_jobs WHERE seq = ?", (seq,))
    return len(rows)


def prune(now: float, limit: int, connection: sqlite3.Connection) -> int:
    connection.execute("DELETE FROM queuemgr_keys WHERE expires_at <= ?", (now,))
    connection.execute("DELETE FROM queuemgr_unique WHERE finished = 1 AND expires_at <= ?", (now,))
    counting.forget_none(connection)
    return _delete(connection, "expires_at <= ?", [now], limit)


def report(reports: Sequence[Report], connection: sqlite3.Connection) -> None:
    for said in reports:
        lease = said.lease
        known = connection.execute(
            "UPDATE queuemgr_jobs SET progress = coalesce(?, progress), note = coalesce(?, note)"
            " WHERE seq = ? AND id = ? AND attempt = ? AND state = 2",
            (said.progress, said.note and sound(said.note), lease.key, lease.id, lease.attempt),
        )
        if known.rowcount:
            connection.executemany(
                "INSERT INTO queuemgr_output (job, attempt, at, stream, text) VALUES (?, ?, ?, ?, ?)",
                [(lease.key, lease.attempt, at, stream, sound(text)) for at, stream, text in said.output],
            )


def join(worker: WorkerInfo, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO queuemgr_workers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            worker.id,
            worker.host,
            worker.pid,
            worker.birth,
            worker.name,
            msgspec.json.encode(worker.queues).decode(),
            msgspec.json.encode(worker.tasks).decode(),
            worker.concurrency,
            worker.started_at,
            worker.beat_at,
            worker.state,
        ),
    )


def beat(worker: str, state: str | None, now: float, connection: sqlite3.Connection) -> list[str]:
    connection.execute(
        "UPDATE queuemgr_workers SET beat_at = ?, state = coalesce(?, state) WHERE id = ?", (now, state, worker)
    )
    return cancelled(worker, connection)


def cancelled_if_fresh(worker: str, state: str | None, now: float, connection: sqlite3.Connection) -> list[str] | None:
    """What `beat` answers, as long as its last beat is young enough not to be repeated; else None."""
    row = connection.execute("SELECT state, beat_at FROM queuemgr_workers WHERE id = ?", (worker,)).fetchone()
    if row is None or state not in (None, row[0]) or not 0 <= now - row[1] < LEASE / 3:
        return None
    return cancelled(worker, connection)


def cancelled(worker: str, connection: sqlite3.Connection) -> list[str]:
    """The worker's running jobs that somebody wants cancelled."""
    rows = connection.execute(
        "SELECT id FROM queuemgr_jobs INDEXED BY queuemgr_running WHERE state = 2 AND worker = ? AND cancel = 1",
        (worker,),
    )
    return [row[0] for row in rows]


def pause(queue: str, connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR IGNORE INTO queuemgr_paused VALUES (?)", (queue,))


def resume(queue: str, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM queuemgr_paused WHERE queue = ?", (queue,))
