"""Looks at one job and at the workers. It changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from queuemgr.errors import JobNotFound
from queuemgr.job import Attempt, JobRecord, State
from queuemgr.liveness import is_alive
from queuemgr.store import REMOTE_LEASE, OutputLine, WorkerInfo

if TYPE_CHECKING:
    from .connecting import Connection

COLUMNS = """
id, task, queue, state, priority, created_at, run_at, started_at, finished_at, expires_at, attempt, failures, crashes,
worker, progress, note, error, unique_key, tags, options, cancel, seq, octet_length(result)
"""
_ATTEMPTS = "job, number, worker, started_at, ended_at, outcome, error, exit_signal, peak_memory"


def get(job_id: str, connection: Connection) -> JobRecord:
    row = connection.execute(f"SELECT {COLUMNS} FROM every WHERE id = %s", (job_id,)).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    found = record(row)
    return replace(found, attempts=attempts_of([found], connection)[found.position])


def attempts_of(jobs: list[JobRecord], connection: Connection) -> dict[int | str, tuple[Attempt, ...]]:
    """The history of each, by its position."""
    rows = connection.execute(
        f"SELECT {_ATTEMPTS} FROM attempts WHERE job = ANY(%s) ORDER BY job, number",
        ([job.position for job in jobs],),
    ).fetchall()
    found: dict[int | str, list[Attempt]] = {job.position: [] for job in jobs}
    for job, *fields in rows:
        found[job].append(_attempt(*fields))
    return {job.position: _with_plain_success(job, found[job.position]) for job in jobs}


def _with_plain_success(job: JobRecord, attempts: list[Attempt]) -> tuple[Attempt, ...]:
    """A success that had nothing more to tell was not written down a second time."""
    if job.state is not State.SUCCEEDED or (attempts and attempts[-1].number == job.attempt):
        return tuple(attempts)
    assert job.started_at is not None
    assert job.finished_at is not None
    last = Attempt(
        number=job.attempt,
        worker=job.worker or "",
        started_at=job.started_at,
        ended_at=job.finished_at,
        outcome="succeeded",
    )
    return (*attempts, last)


def arguments(job_id: str, connection: Connection) -> bytes:
    return bytes(_one("args", job_id, connection))


def result(job_id: str, connection: Connection) -> bytes | None:
    data = _one("result", job_id, connection)
    return None if data is None else bytes(data)


def output(job_id: str, after: int, limit: int, connection: Connection) -> list[OutputLine]:
    seq = _one("seq", job_id, connection)
    rows = connection.execute(
        "SELECT seq, attempt, at, stream, text FROM output WHERE job = %s AND seq > %s ORDER BY seq LIMIT %s",
        (seq, after, limit),
    )
    return [OutputLine(number, attempt, at, stream, text.decode()) for number, attempt, at, stream, text in rows]


def workers(given: float | None, connection: Connection) -> list[WorkerInfo]:
    rows = connection.execute(
        "SELECT id, host, pid, birth, name, queues, tasks, concurrency, started_at, beat_at, state,"
        " clock(%s) FROM workers ORDER BY started_at, id",
        (given,),
    )
    return [
        WorkerInfo(
            id=row[0],
            host=row[1],
            pid=row[2],
            birth=row[3],
            name=row[4],
            queues=tuple(row[5]),
            tasks=tuple(row[6]),
            concurrency=row[7],
            started_at=row[8],
            beat_at=row[9],
            state=row[10],
            alive=is_alive(row[1], row[2], row[3], row[11] - row[9], REMOTE_LEASE),
        )
        for row in rows
    ]


def record(row: tuple[Any, ...]) -> JobRecord:
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
        error=row[16],
        unique_key=row[17],
        tags=tuple(row[18] or ()),
        options=row[19] or {},
        cancel_requested=row[20],
        position=row[21],
        result_size=row[22],
    )


def _attempt(number: int, worker: str, started_at: float, ended_at: float, outcome: str, *more: Any) -> Attempt:
    error, exit_signal, peak_memory = more
    return Attempt(
        number=number,
        worker=worker,
        started_at=started_at,
        ended_at=ended_at,
        outcome=outcome,
        error=error,
        exit_signal=exit_signal,
        peak_memory=peak_memory,
    )


def _one(column: str, job_id: str, connection: Connection) -> Any:
    row = connection.execute(f"SELECT {column} FROM every WHERE id = %s", (job_id,)).fetchone()
    if row is None:
        raise JobNotFound(job_id)
    return row[0]
