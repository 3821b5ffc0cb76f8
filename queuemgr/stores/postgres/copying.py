"""Whole jobs out of this store and into it, a page at a time. It decides nothing about a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import Job, Unique
from queuemgr.keeping import error_with, told_by_job
from queuemgr.store import OutputLine, Snapshot

from .control import clock
from .encoding import encode, without_nul
from .reading import COLUMNS, attempts_of, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import Attempt, JobRecord

    from .connecting import Connection

HEAVY = 8 * 1024 * 1024
"""Bytes of arguments, results and output after which a page is full."""

_WEIGHTS = """
SELECT seq, octet_length(args) + coalesce(octet_length(result), 0)
    + coalesce((SELECT sum(octet_length(text)) FROM output WHERE output.job = every.seq), 0)
FROM every WHERE seq > %s ORDER BY seq LIMIT %s
"""
_JOBS = """
SELECT {columns}, keep, at_most_once, crash_budget, args, result FROM every
WHERE seq > %s AND seq <= %s ORDER BY seq
"""
_OUTPUT = """
SELECT job, attempt, at, stream, text FROM output WHERE job > %s AND job <= %s ORDER BY job, seq
"""
_HELD = "SELECT key, job, expires_at, finished FROM unique_keys WHERE key = ANY(%s)"
_BOTH = (
    *("id", "task", "queue", "state", "priority", "created_at", "run_at", "started_at", "keep", "attempt", "failures"),
    *("crashes", "crash_budget", "at_most_once", "cancel", "worker", "progress", "note", "unique_key", "tags"),
    *("options", "error", "args"),
)
_ENDED = ("seq", "finished_at", "expires_at", "result")

Held = dict[str, tuple[str, float | None, bool]]


def dump(
    after: int | str | None, limit: int, given: float | None, connection: Connection
) -> tuple[list[Snapshot], int | None]:
    first = -1 if after is None else int(after)
    last = _last_of_page(first, limit, connection)
    if last is None:
        return [], None
    now = clock(given, connection)
    rows = connection.execute(_JOBS.format(columns=COLUMNS), (first, last)).fetchall()
    jobs = [record(row) for row in rows]
    attempts = attempts_of(jobs, connection)
    keys = [job.unique_key for job in jobs if job.unique_key is not None]
    held: Held = {row[0]: row[1:] for row in connection.execute(_HELD, (keys,))}
    output: dict[int | str, list[OutputLine]] = {job.position: [] for job in jobs}
    for seq, attempt, at, stream, text in connection.execute(_OUTPUT, (first, last)):
        if seq in output:
            output[seq].append(OutputLine(len(output[seq]) + 1, attempt, at, stream, text.decode()))
    page = [
        _snapshot(job, row[23:], attempts[job.position], output[job.position], held, now)
        for job, row in zip(jobs, rows, strict=True)
    ]
    return page, last


def _last_of_page(first: int, limit: int, connection: Connection) -> int | None:
    last, weight = None, 0
    for seq, bytes_of_job in connection.execute(_WEIGHTS, (first, limit)):
        weight += bytes_of_job
        if last is not None and weight > HEAVY:
            break
        last = seq
    return last


def _snapshot(
    job: JobRecord,
    more: tuple[Any, ...],
    attempts: tuple[Attempt, ...],
    output: list[OutputLine],
    held: Held,
    now: float,
) -> Snapshot:
    keep, at_most_once, crash_budget, args, result = more
    holds, until = _holds(job, held, now)
    return Snapshot(
        job=Job(
            **{
                name: getattr(job, name) for name in ("id", "task", "queue", "priority", "run_at", "created_at", "tags")
            },
            args=bytes(args),
            keep=keep,
            at_most_once=at_most_once,
            crash_budget=crash_budget,
            unique=None if job.unique_key is None else Unique(job.unique_key),
            options=job.options or None,
        ),
        **{
            name: getattr(job, name)
            for name in ("state", "attempt", "failures", "crashes", "worker", "progress", "note")
        },
        **{name: getattr(job, name) for name in ("started_at", "finished_at", "expires_at", "error")},
        cancel=job.cancel_requested,
        result=None if result is None else bytes(result),
        attempts=attempts,
        output=tuple(output),
        holds_key=holds,
        unique_until=until,
    )


def _holds(job: JobRecord, held: Held, now: float) -> tuple[bool, float | None]:
    """Whether the job holds its unique key, and until when a window keeps it."""
    holder, expires_at, finished = held.get(job.unique_key or "", ("", None, True))
    if job.unique_key is None or holder != job.id:
        return False, None
    until = expires_at if expires_at is not None and expires_at > now else None
    return until is not None or not finished, until


def restore(snapshots: Sequence[Snapshot], given: float | None, connection: Connection) -> int:
    now = clock(given, connection)
    there = {
        row[0]
        for row in connection.execute("SELECT id FROM every WHERE id = ANY(%s)", ([one.job.id for one in snapshots],))
    }
    restored = 0
    for snapshot in snapshots:
        if snapshot.job.id not in there:
            there.add(snapshot.job.id)
            restored += _restore(snapshot.at_rest(now), now, connection)
    if restored:
        connection.execute("SELECT rouse()")
    return restored


def _restore(taken: Snapshot, now: float, connection: Connection) -> int:
    table, columns = ("done", _BOTH + _ENDED) if taken.state.finished else ("jobs", _BOTH)
    places = ["nextval(pg_get_serial_sequence('jobs', 'seq'))" if name == "seq" else f"%({name})s" for name in columns]
    row = connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(places)}) ON CONFLICT DO NOTHING RETURNING seq",
        {**_row(taken), "jobs": "jobs"},
    ).fetchone()
    if row is None:
        return 0
    _restore_beside(taken, row[0], connection)
    if taken.holds_key and taken.job.unique is not None:
        key = taken.job.unique.key
        connection.execute("DELETE FROM unique_keys WHERE key = %s AND finished AND expires_at <= %s", (key, now))
        connection.execute(
            "INSERT INTO unique_keys VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (key, taken.job.id, taken.unique_until, taken.state.finished),
        )
    return 1


def _row(taken: Snapshot) -> dict[str, Any]:
    job = taken.job
    own = msgspec.structs.asdict(job)
    row = {name: own[name] for name in _BOTH if name in own}
    row |= {name: getattr(taken, name) for name in (*_BOTH, *_ENDED) if name in Snapshot.__struct_fields__}
    return row | {
        "state": int(taken.state),
        "unique_key": job.unique.key if job.unique else None,
        "tags": _dumped(list(job.tags) or None),
        "options": _dumped(job.options or None),
        "error": None if taken.error is None else encode(error_with(None, taken.error)).decode(),
        "note": None if taken.note is None else without_nul(taken.note),
    }


def _restore_beside(taken: Snapshot, seq: int, connection: Connection) -> None:
    """What a job has in other tables: tags, history, output."""
    cursor = connection.cursor()
    if taken.job.tags:
        tags = [(tag, seq) for tag in dict.fromkeys(taken.job.tags)]
        cursor.executemany("INSERT INTO tags (tag, job) VALUES (%s, %s)", tags)
    if history := [_attempt_row(seq, attempt) for attempt in taken.attempts if not told_by_job(taken, attempt)]:
        cursor.executemany(
            "INSERT INTO attempts (job, number, worker, started_at, ended_at, outcome, error, exit_signal,"
            " peak_memory) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            history,
        )
    if lines := [(seq, line.attempt, line.at, line.stream, line.text.encode()) for line in taken.output]:
        cursor.executemany("INSERT INTO output (job, attempt, at, stream, text) VALUES (%s, %s, %s, %s, %s)", lines)


def _attempt_row(seq: int, one: Attempt) -> tuple[Any, ...]:
    said = (one.outcome, _dumped(one.error), one.exit_signal, one.peak_memory)
    return (seq, one.number, one.worker, one.started_at, one.ended_at, *said)


def _dumped(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
