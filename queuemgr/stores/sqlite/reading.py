"""Looks into the store: one job, pages of jobs, counts, queues and workers. It changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import JobNotFound
from queuemgr.job import Attempt, JobRecord, State
from queuemgr.store import OutputLine, Page, QueueInfo, WorkerInfo

if TYPE_CHECKING:
    import sqlite3

    from queuemgr.store import Query

_COLUMNS = """
id, task, queue, state, priority, created_at, run_at, started_at, finished_at, expires_at, attempt, failures, crashes,
worker, progress, note, error, unique_key, tags, options, cancel, seq, length(result)
"""


def get(job_id: str, connection: sqlite3.Connection) -> JobRecord:
    row = connection.execute(f"SELECT {_COLUMNS} FROM queuemgr_jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    attempts = connection.execute("SELECT * FROM queuemgr_attempts WHERE job = ? ORDER BY number", (row[21],))
    return _record(row, tuple(map(_attempt, attempts)))


def arguments(job_id: str, connection: sqlite3.Connection) -> bytes:
    return bytes(_one(connection, "args", job_id) or b"")


def result(job_id: str, connection: sqlite3.Connection) -> bytes | None:
    data = _one(connection, "result", job_id)
    return None if data is None else bytes(data)


def output(job_id: str, after: int, limit: int, connection: sqlite3.Connection) -> list[OutputLine]:
    key = _one(connection, "seq", job_id)
    rows = connection.execute(
        "SELECT seq, attempt, at, stream, text FROM queuemgr_output WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?",
        (key, after, limit),
    )
    return [OutputLine(*row) for row in rows]


def find(query: Query, limit: int, after: int | str | None, connection: sqlite3.Connection) -> Page:
    keys, values = _keys(query, limit, int(after) if after is not None else None)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM queuemgr_jobs WHERE seq IN ({keys}) ORDER BY seq DESC", values
    ).fetchall()
    jobs = [_record(row) for row in rows]
    return Page(jobs, jobs[-1].position if len(jobs) == limit else None)


def count(query: Query, connection: sqlite3.Connection) -> int:
    where, values = conditions(query)
    return int(connection.execute(f"SELECT count(*) FROM queuemgr_jobs WHERE {where}", values).fetchone()[0])


def queues(connection: sqlite3.Connection) -> list[QueueInfo]:
    counts: dict[str, dict[State, int]] = {}
    paused = {row[0] for row in connection.execute("SELECT queue FROM queuemgr_paused")}
    for queue, state, number in connection.execute(
        "SELECT queue, state, count(*) FROM queuemgr_jobs WHERE done = 0 GROUP BY queue, state"
        " UNION ALL SELECT queue, done, count(*) FROM queuemgr_jobs WHERE done > 0 GROUP BY queue, done"
    ):
        counts.setdefault(queue, {})[State(state)] = number
    return [
        QueueInfo(
            name=name,
            paused=name in paused,
            counts=counts.get(name, {}),
            oldest_ready=_oldest(connection, name),
        )
        for name in sorted({*counts, *paused})
    ]


def workers(connection: sqlite3.Connection) -> list[WorkerInfo]:
    rows = connection.execute("SELECT * FROM queuemgr_workers ORDER BY started_at")
    return [
        WorkerInfo(
            id=row[0],
            host=row[1],
            pid=row[2],
            birth=row[3],
            name=row[4],
            queues=tuple(msgspec.json.decode(row[5])),
            tasks=tuple(msgspec.json.decode(row[6])),
            concurrency=row[7],
            started_at=row[8],
            beat_at=row[9],
            state=row[10],
        )
        for row in rows
    ]


def conditions(query: Query) -> tuple[str, list[Any]]:
    """The query as a WHERE clause on queuemgr_jobs and its values."""
    parts: list[tuple[str, list[Any]]] = []
    if query.ids:
        parts.append(("id IN (SELECT value FROM json_each(?))", [msgspec.json.encode(query.ids).decode()]))
    if query.states:
        parts.append((f"state IN ({','.join('?' * len(query.states))})", list(query.states)))
        parts.append((f"done IN ({','.join('?' * len(query.states))})", [s if s.finished else 0 for s in query.states]))
    if query.tag is not None:
        parts.append(("seq IN (SELECT job FROM queuemgr_tags WHERE tag = ?)", [query.tag]))
    if query.error is not None:
        parts.append(("instr(error, ?)", [query.error]))
    for column, operator, value in (
        ("queue", "=", query.queue),
        ("task", "=", query.task),
        ("worker", "=", query.worker),
        ("created_at", ">=", query.created_after),
        ("created_at", "<", query.created_before),
    ):
        if value is not None:
            parts.append((f"{column} {operator} ?", [value]))
    where = " AND ".join(part for part, _ in parts) or "1"
    return where, [value for _, values in parts for value in values]


def _keys(query: Query, limit: int, after: int | None) -> tuple[str, list[Any]]:
    """The page's rows, newest first. Each state is asked for itself, because only then an index gives the order."""
    from dataclasses import replace

    indexed = query.states or query.queue is not None or query.task is not None
    states = query.states or (tuple(State) if indexed and not query.ids else ())
    branches, values = [], []
    for one in ((state,) for state in states) if states else ((),):
        where, these = conditions(replace(query, states=one))
        branches.append(
            f"SELECT * FROM (SELECT seq FROM queuemgr_jobs WHERE {where} AND seq < ? ORDER BY seq DESC LIMIT {limit:d})"
        )
        values += [*these, after if after is not None else 1 << 62]
    return f"SELECT seq FROM ({' UNION ALL '.join(branches)}) ORDER BY seq DESC LIMIT {limit:d}", values


def _record(row: tuple[Any, ...], attempts: tuple[Attempt, ...] = ()) -> JobRecord:
    return JobRecord(
        id=row[0],
        task=row[1],
        queue=row[2],
        state=State(row[3]),
        priority=row[4],
        created_at=row[5],
        run_at=row[6],
        started_at=row[7],
        finished_at=row[8],
        expires_at=row[9],
        attempt=row[10],
        failures=row[11],
        crashes=row[12],
        worker=row[13],
        progress=row[14],
        note=row[15],
        error=_loaded(row[16]),
        unique_key=row[17],
        tags=tuple(_loaded(row[18]) or ()),
        options=_loaded(row[19]) or {},
        cancel_requested=bool(row[20]),
        position=row[21],
        result_size=row[22],
        attempts=attempts,
    )


def _attempt(row: tuple[Any, ...]) -> Attempt:
    _, number, worker, started_at, ended_at, outcome, error, exit_signal, peak_memory = row
    return Attempt(
        number=number,
        worker=worker,
        started_at=started_at,
        ended_at=ended_at,
        outcome=outcome,
        error=_loaded(error),
        exit_signal=exit_signal,
        peak_memory=peak_memory,
    )


def _loaded(text: str | None) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {"message": f"this part of the record is damaged: {text[:200]!r}"}


def _one(connection: sqlite3.Connection, column: str, job_id: str) -> Any:
    row = connection.execute(f"SELECT {column} FROM queuemgr_jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    return row[0]


def _oldest(connection: sqlite3.Connection, queue: str) -> float | None:
    row = connection.execute(
        "SELECT created_at FROM queuemgr_jobs WHERE queue = ? AND state = 1 ORDER BY seq LIMIT 1", (queue,)
    ).fetchone()
    return None if row is None else float(row[0])
