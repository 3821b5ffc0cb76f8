"""Changes that people make to jobs and queues by id or by query. The steps of a job's own life are not here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError, did_you_mean
from queuemgr.job import FINISHED, WAITING, State

from .finding import conditions

if TYPE_CHECKING:
    from queuemgr.store import Query

    from .connecting import Connection

_CHOOSE = """
SELECT seq, id, state, unique_key FROM {table} AS job WHERE {where} AND state = ANY(%(of)s)
ORDER BY seq FOR UPDATE
"""
# A plain success stands only in the job; before the job runs again it moves to the history.
_KEEP_SUCCESSES = """
INSERT INTO attempts (job, number, worker, started_at, ended_at, outcome)
SELECT seq, attempt, coalesce(worker, ''), started_at, finished_at, 'succeeded' FROM done
WHERE seq = ANY(%s) AND state = 5 ON CONFLICT DO NOTHING
"""
_KEPT = """
seq, created_at, started_at, keep, attempt, crash_budget, priority, at_most_once, id, queue, task, worker, unique_key,
tags, options, args
"""
_START_AFRESH = """
WITH back AS (DELETE FROM done WHERE seq = ANY(%s) RETURNING *)
INSERT INTO jobs ({kept}, state) SELECT {kept}, 1 FROM back
"""
_HELD = "SELECT job FROM unique_keys WHERE key = %s AND (NOT finished OR expires_at > %s)"
_HOLD_KEY = """
INSERT INTO unique_keys (key, job) VALUES (%s, %s)
ON CONFLICT (key) DO UPDATE SET job = excluded.job, finished = false
"""

_ENDED = tuple(sorted(FINISHED))
_UNENDED = tuple(sorted(WAITING))
_REACHED: dict[str, tuple[State, ...]] = {
    "retry": (State.SCHEDULED, *_ENDED),
    "cancel": (*_UNENDED, State.RUNNING),
    "hold": (State.SCHEDULED, State.READY, State.PARKED),
    "release": (State.HELD,),
    "delete": (*_UNENDED, *_ENDED),
}
VERBS = tuple(_REACHED)

Chosen = list[tuple[int, str, int, str | None]]
Choose = Callable[[str, Sequence[State]], Chosen]
"""Rows of a table that are in one of these states; they are locked."""


def states_of(verb: str) -> tuple[State, ...]:
    """The states of the jobs that the verb reaches. Raises ConfigError."""
    if verb not in VERBS:
        raise ConfigError(f"jobs cannot be told to {verb!r}: {did_you_mean(verb, VERBS)}")
    return _REACHED[verb]


def change(verb: str, query: Query, seqs: Sequence[int] | None, given: float | None, connection: Connection) -> int:
    """Change what still fits the query, of the numbers `seqs` or of all; how many jobs."""
    now, choose = clock(given, connection), _chooser(query, seqs, connection)
    match verb:
        case "retry":
            changed = _retry(choose, now, connection)
        case "cancel":
            changed = _cancel(choose, now, connection)
        case "delete":
            changed = _delete(choose, connection)
        case "hold":
            changed = _update("state = 3", choose("jobs", states_of(verb)), now, connection)
        case _:
            due = "state = CASE WHEN run_at > %(now)s THEN 0 ELSE 1 END"
            changed = _update(due, choose("jobs", states_of(verb)), now, connection)
    if changed:
        rouse(connection)
    return changed


def prioritise(priority: int, query: Query, seqs: Sequence[int] | None, connection: Connection) -> int:
    """As `change`. Nobody is told: what was to be had before is to be had now."""
    chosen = _chooser(query, seqs, connection)("jobs", _UNENDED)
    if chosen:
        connection.execute("UPDATE jobs SET priority = %s WHERE seq = ANY(%s)", (priority, [row[0] for row in chosen]))
    return len(chosen)


def clock(given: float | None, connection: Connection) -> float:
    row = connection.execute("SELECT clock(%s)", (given,)).fetchone()
    assert row is not None
    return float(row[0])


def rouse(connection: Connection) -> None:
    """Let everyone who waits look again, once this is committed."""
    connection.execute("SELECT rouse()")


def pause(queue: str, connection: Connection) -> None:
    connection.execute("INSERT INTO paused VALUES (%s) ON CONFLICT DO NOTHING", (queue,))


def resume(queue: str, connection: Connection) -> None:
    connection.execute("DELETE FROM paused WHERE queue = %s", (queue,))
    rouse(connection)


def limit(queue: str, running: int | None, connection: Connection) -> None:
    if running is None:
        connection.execute("DELETE FROM limits WHERE queue = %s", (queue,))
    else:
        put = "INSERT INTO limits VALUES (%s, %s) ON CONFLICT (queue) DO UPDATE SET running = excluded.running"
        connection.execute(put, (queue, running))
    rouse(connection)


def prune(given: float | None, limit: int, connection: Connection) -> int:
    now = clock(given, connection)
    connection.execute("DELETE FROM keys WHERE expires_at <= %s", (now,))
    connection.execute("DELETE FROM unique_keys WHERE finished AND expires_at <= %s", (now,))
    rows = connection.execute(
        "SELECT seq, id FROM done WHERE expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    ).fetchall()
    _forget("done", [row[0] for row in rows], [row[1] for row in rows], connection)
    return len(rows)


def _chooser(query: Query, seqs: Sequence[int] | None, connection: Connection) -> Choose:
    where, values = conditions(query)
    if seqs is not None:
        where, values = f"job.seq = ANY(%(seqs)s) AND {where}", {**values, "seqs": list(seqs)}

    def choose(table: str, states: Sequence[State]) -> Chosen:
        rows: Any = connection.execute(
            _CHOOSE.format(table=table, where=where), {**values, "of": [int(state) for state in states]}
        )
        return list(rows)

    return choose


def _update(what: str, chosen: Chosen, now: float, connection: Connection) -> int:
    if chosen:
        values = {"now": now, "seqs": [row[0] for row in chosen]}
        connection.execute(f"UPDATE jobs SET {what} WHERE seq = ANY(%(seqs)s)", values)
    return len(chosen)


def _retry(choose: Choose, now: float, connection: Connection) -> int:
    # Chosen before anything is changed: what the first step moves must not be moved again by the second.
    waiting = choose("jobs", (State.SCHEDULED,))
    ended = choose("done", _ENDED)
    ended = [row for row in ended if _has_key(row, now, connection)]
    waiting = [row for row in waiting if _has_key(row, now, connection)]
    if ended:
        seqs = [row[0] for row in ended]
        connection.execute(_KEEP_SUCCESSES, (seqs,))
        connection.execute(_START_AFRESH.format(kept=_KEPT), (seqs,))
    return len(ended) + _update("state = 1, run_at = NULL", waiting, now, connection)


def _has_key(row: tuple[int, str, int, str | None], now: float, connection: Connection) -> bool:
    return row[3] is None or _take_key(row[3], row[1], now, connection)


def _take_key(key: str, job_id: str, now: float, connection: Connection) -> bool:
    """A job that is to run again needs its key again; False where another job holds it."""
    lock = "SELECT pg_advisory_xact_lock(space(), hashtext('key ' || %s))"
    connection.execute(lock.encode(), (key,))
    held = connection.execute(_HELD, (key, now)).fetchone()
    if held is not None and held[0] != job_id:
        return False
    connection.execute(_HOLD_KEY, (key, job_id))
    return True


def _cancel(choose: Choose, now: float, connection: Connection) -> int:
    chosen = choose("jobs", states_of("cancel"))
    _update("cancel = true", [row for row in chosen if row[2] == State.RUNNING], now, connection)
    if waiting := [row[0] for row in chosen if row[2] != State.RUNNING]:
        connection.execute(
            "SELECT finish(%s, 7, %s, %s, true)",
            (waiting, now, '{"message":"cancelled before it ran"}'),
        )
    return len(chosen)


def _delete(choose: Choose, connection: Connection) -> int:
    found = 0
    for table, states in (("jobs", _UNENDED), ("done", _ENDED)):
        chosen = choose(table, states)
        _forget(table, [row[0] for row in chosen], [row[1] for row in chosen], connection)
        found += len(chosen)
    return found


def _forget(table: str, seqs: list[int], ids: list[str], connection: Connection) -> None:
    if not seqs:
        return
    for beside in ("attempts", "output", "tags"):
        connection.execute(f"DELETE FROM {beside} WHERE job = ANY(%s)", (seqs,))
    # A window outlives its job.
    connection.execute(
        "DELETE FROM unique_keys WHERE job = ANY(%s) AND NOT (finished AND expires_at IS NOT NULL)",
        (ids,),
    )
    connection.execute(f"DELETE FROM {table} WHERE seq = ANY(%s)", (seqs,))
