"""Looks at one job and at the workers. It changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import CorruptStore, JobNotFound
from queuemgr.job import Attempt, JobRecord, State
from queuemgr.liveness import is_alive
from queuemgr.store import LEASE, OutputLine, WorkerInfo

from .finding import with_ids

if TYPE_CHECKING:
    import sqlite3

COLUMNS = """
id, task, queue, state, priority, created_at, run_at, started_at, finished_at, expires_at, attempt, failures, crashes,
worker, progress, note, error, unique_key, tags, options, cancel, seq, length(result)
"""

_STATES = frozenset(State)


def get(job_id: str, connection: sqlite3.Connection) -> JobRecord:
    where, values = with_ids((job_id,))
    row = connection.execute(f"SELECT {COLUMNS} FROM queuemgr_jobs WHERE {where}", values).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    attempts = connection.execute("SELECT * FROM queuemgr_attempts WHERE job = ? ORDER BY number", (row[21],))
    found = record(row, tuple(map(_attempt, attempts)))
    return found if found.state is not State.SUCCEEDED else _with_plain_success(found)


def _with_plain_success(job: JobRecord) -> JobRecord:
    """A success that had nothing more to tell was not written down a second time."""
    if job.attempts and job.attempts[-1].number == job.attempt:
        return job
    assert job.started_at is not None
    assert job.finished_at is not None
    last = Attempt(
        number=job.attempt,
        worker=job.worker or "",
        started_at=job.started_at,
        ended_at=job.finished_at,
        outcome="succeeded",
    )
    return replace(job, attempts=(*job.attempts, last))


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


def workers(now: float, connection: sqlite3.Connection) -> list[WorkerInfo]:
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
            alive=is_alive(row[1], row[2], row[3], now - row[9], LEASE),
        )
        for row in rows
    ]


def record(row: tuple[Any, ...], attempts: tuple[Attempt, ...] = ()) -> JobRecord:
    if row[3] not in _STATES:
        raise CorruptStore(f"the job {row[0]} is in the state {row[3]!r}, which there is not: delete it by its id")
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
    where, values = with_ids((job_id,))
    row = connection.execute(f"SELECT {column} FROM queuemgr_jobs WHERE {where}", values).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    return row[0]
