"""Whole jobs out of this store and into it, a page at a time. It decides nothing about a job."""

from __future__ import annotations

from itertools import count, groupby
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import CorruptStore
from queuemgr.job import Attempt, Job, State, Unique, order_of
from queuemgr.keeping import told_by_job
from queuemgr.store import OutputLine, Snapshot

from . import counting
from .finding import REACH, with_ids

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

HEAVY = 8 * 1024 * 1024
"""Bytes of arguments, results and output after which a page is full."""

_COLUMNS = """
seq, id, named, state, done, queue, task, priority, run_at, created_at, started_at, finished_at, expires_at, keep,
attempt, failures, crashes, crash_budget, at_most_once, cancel, worker, progress, note, unique_key, tags, options,
error, args, result"""
COLUMNS = tuple(name.strip() for name in _COLUMNS.split(","))
_OF_JOB = tuple(name for name in COLUMNS if name in Job.__struct_fields__)
_OF_SNAPSHOT = tuple(name for name in COLUMNS if name in Snapshot.__struct_fields__)

_INSERT = f"INSERT INTO queuemgr_jobs ({_COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING"
_WEIGHTS = """
SELECT seq, length(args) + coalesce(length(result), 0)
    + coalesce((SELECT sum(length(text)) FROM queuemgr_output WHERE job = queuemgr_jobs.seq), 0)
FROM queuemgr_jobs WHERE seq > ? ORDER BY seq LIMIT ?
"""
_JOBS = f"SELECT {_COLUMNS} FROM queuemgr_jobs WHERE seq > ? AND seq <= ? ORDER BY seq"
_ATTEMPTS = "SELECT * FROM queuemgr_attempts WHERE job > ? AND job <= ? ORDER BY job, number"
_OUTPUT = """
SELECT job, attempt, at, stream, text FROM queuemgr_output INDEXED BY queuemgr_output_of
WHERE job > ? AND job <= ? ORDER BY job, seq
"""
_HELD = "SELECT job, expires_at, finished FROM queuemgr_unique WHERE key = ?"
_NEXT_NAMED = "SELECT max(seq) + 1 FROM queuemgr_jobs WHERE seq >= ? AND seq < ?"

_dump = msgspec.json.Encoder().encode
_load = msgspec.json.Decoder().decode


def dump(
    after: int | str | None, limit: int, now: float, connection: sqlite3.Connection
) -> tuple[list[Snapshot], int | None]:
    first = -1 if after is None else int(after)
    last = _last_of_page(first, limit, connection)
    if last is None:
        return [], None
    span = (first, last)
    attempts = _by_job(connection.execute(_ATTEMPTS, span))
    output = _by_job(connection.execute(_OUTPUT, span))
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in connection.execute(_JOBS, span))
    page = [_snapshot(row, attempts.get(row["seq"], []), output.get(row["seq"], []), now, connection) for row in rows]
    return page, last


def restore(snapshots: Sequence[Snapshot], now: float, connection: sqlite3.Connection) -> int:
    where, values = with_ids([snapshot.job.id for snapshot in snapshots])
    there = dict(connection.execute(f"SELECT id, seq FROM queuemgr_jobs WHERE {where}", values))
    restored, behind = 0, None
    for snapshot in snapshots:
        job_id = snapshot.job.id
        if job_id not in there:
            there[job_id] = _restore(snapshot.at_rest(now), behind, now, connection)
            restored += 1
        behind = there[job_id]
    return restored


def _last_of_page(first: int, limit: int, connection: sqlite3.Connection) -> int | None:
    last, weight = None, 0
    for seq, bytes_of_job in connection.execute(_WEIGHTS, (first, limit)):
        weight += bytes_of_job
        if last is not None and weight > HEAVY:
            break
        last = seq
    return last


def _by_job(rows: sqlite3.Cursor) -> dict[int, list[tuple[Any, ...]]]:
    return {job: [row[1:] for row in group] for job, group in groupby(rows, key=lambda row: row[0])}


def _snapshot(
    row: dict[str, Any],
    attempts: list[tuple[Any, ...]],
    output: list[tuple[Any, ...]],
    now: float,
    connection: sqlite3.Connection,
) -> Snapshot:
    try:
        holds, until = _held(row, now, connection)
        return Snapshot(
            job=_job(row),
            state=State(row["state"]),
            **{name: row[name] for name in ("attempt", "failures", "crashes", "worker", "progress", "note", "result")},
            **{name: row[name] for name in ("started_at", "finished_at", "expires_at")},
            cancel=bool(row["cancel"]),
            error=_loaded(row["error"]),
            attempts=_history(row, attempts),
            output=tuple(OutputLine(number, *line) for number, line in enumerate(output, 1)),
            holds_key=holds,
            unique_until=until,
        )
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise CorruptStore(f"the job {row['id']} is damaged ({error}): delete it by its id, then go on") from error


def _job(row: dict[str, Any]) -> Job:
    return Job(
        **{name: row[name] for name in ("id", "task", "args", "queue", "priority", "run_at", "created_at", "keep")},
        at_most_once=bool(row["at_most_once"]),
        crash_budget=row["crash_budget"],
        unique=None if row["unique_key"] is None else Unique(row["unique_key"]),
        tags=tuple(_loaded(row["tags"]) or ()),
        options=_loaded(row["options"]),
    )


def _held(row: dict[str, Any], now: float, connection: sqlite3.Connection) -> tuple[bool, float | None]:
    """Whether the job holds its unique key, and until when a window keeps it."""
    held = row["unique_key"] is not None and connection.execute(_HELD, (row["unique_key"],)).fetchone()
    if not held or held[0] != row["id"]:
        return False, None
    until = held[1] if held[1] is not None and held[1] > now else None
    return (until is not None or not held[2], until)


def _history(row: dict[str, Any], rows: list[tuple[Any, ...]]) -> tuple[Attempt, ...]:
    """The attempts, with the plain success that stands in the job alone (reading.py)."""
    if row["state"] == State.SUCCEEDED and (not rows or rows[-1][0] != row["attempt"]):
        plain = (row["attempt"], row["worker"] or "", row["started_at"], row["finished_at"], "succeeded", *[None] * 3)
        rows = [*rows, plain]
    return tuple(
        Attempt(
            number=number,
            worker=worker,
            started_at=started_at,
            ended_at=ended_at,
            outcome=outcome,
            error=_loaded(error),
            exit_signal=exit_signal,
            peak_memory=peak_memory,
        )
        for number, worker, started_at, ended_at, outcome, error, exit_signal, peak_memory in rows
    )


def _restore(taken: Snapshot, behind: int | None, now: float, connection: sqlite3.Connection) -> int:
    """The number of the new row. `behind` is that of the job before."""
    row = _row(taken)
    for row["seq"], row["named"] in _places(taken.job, behind, connection):
        if connection.execute(_INSERT, [row[name] for name in COLUMNS]).rowcount:
            counting.appear(connection, row["queue"], row["task"], row["state"], row["seq"])
            break
    seq: int = row["seq"]
    _restore_beside(taken, seq, connection)
    if taken.holds_key and taken.job.unique is not None:
        _restore_key(taken, taken.job.unique.key, now, connection)
    return seq


def _places(job: Job, behind: int | None, connection: sqlite3.Connection) -> Iterator[tuple[int, bool]]:
    """Where the row may stand, and whether it is `named`.

    A job whose id has no number stands behind the one before it, or else among those of the millisecond of its making.
    """
    order = order_of(job.id)
    if order is not None:
        yield from ((seq, False) for seq in range(order, order + REACH))
    elif behind is not None:
        order = behind + 1
    else:
        order = max(0, int(job.created_at * 1000)) << 21
        order = connection.execute(_NEXT_NAMED, (order, order + (1 << 21))).fetchone()[0] or order
    yield from ((seq, True) for seq in count(order))


def _row(taken: Snapshot) -> dict[str, Any]:
    job = taken.job
    row = {name: getattr(job, name) for name in _OF_JOB}
    row |= {name: getattr(taken, name) for name in _OF_SNAPSHOT}
    return row | {
        "done": taken.state if taken.state.finished else 0,
        "unique_key": job.unique.key if job.unique else None,
        "tags": _dumped(job.tags or None),
        "options": _dumped(job.options or None),
        "error": _dumped(taken.error),
    }


def _restore_beside(taken: Snapshot, seq: int, connection: sqlite3.Connection) -> None:
    """What a job has in other tables: tags, history, output."""
    if taken.job.tags:
        tags = [(tag, seq) for tag in taken.job.tags]
        connection.executemany("INSERT OR IGNORE INTO queuemgr_tags VALUES (?, ?)", tags)
    if history := [_attempt_row(seq, attempt) for attempt in taken.attempts if not told_by_job(taken, attempt)]:
        connection.executemany("INSERT INTO queuemgr_attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", history)
    if lines := [(seq, line.attempt, line.at, line.stream, line.text) for line in taken.output]:
        connection.executemany(
            "INSERT INTO queuemgr_output (job, attempt, at, stream, text) VALUES (?, ?, ?, ?, ?)", lines
        )


def _attempt_row(seq: int, one: Attempt) -> tuple[Any, ...]:
    said = (one.outcome, _dumped(one.error), one.exit_signal, one.peak_memory)
    return (seq, one.number, one.worker, one.started_at, one.ended_at, *said)


def _restore_key(taken: Snapshot, key: str, now: float, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM queuemgr_unique WHERE key = ? AND finished = 1 AND expires_at <= ?", (key, now))
    connection.execute(
        "INSERT OR IGNORE INTO queuemgr_unique VALUES (?, ?, ?, ?)",
        (key, taken.job.id, taken.unique_until, taken.state.finished),
    )


def _dumped(value: Any) -> str | None:
    return None if value is None else _dump(value).decode()


def _loaded(text: str | None) -> Any:
    return _load(text) if text else None
