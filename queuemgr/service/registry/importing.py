"""Takes over an older program's registry: its records come back under their ids, without a class. It runs none of them.

What was waiting waits for somebody who purges and adds it again; what was running when that program ended has failed.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import EncodingError, RegistryError
from queuemgr.job import Job, State
from queuemgr.jobs.status import JobStatus, status_of
from queuemgr.service.flatrecord import DELETED, IMPORTED, QUEUE, at_rest, local_time
from queuemgr.service.host.entries import Entry, line_of
from queuemgr.store import Query

from .file import RegistryFile
from .record import moment_of, read_briefly, read_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from queuemgr.client import AsyncClient
    from queuemgr.service.facts import Facts
    from queuemgr.store import Snapshot

    from .record import Line

BATCH = 500
INLINE = 16 * 1024
"""Bytes of a result up to which it stands in its line."""

CUT_OFF = "the program that ran it ended before it did, and its result is not known"

_STATES = {
    JobStatus.PENDING: State.HELD,
    JobStatus.RUNNING: State.DEAD,
    JobStatus.COMPLETED: State.SUCCEEDED,
    JobStatus.ERROR: State.DEAD,
    JobStatus.STOPPED: State.CANCELLED,
    JobStatus.DELETED: State.CANCELLED,
}


async def import_registry(client: AsyncClient, path: Path, registry: Path | None = None) -> Facts:
    """{"found", "imported", "passed_over"}: ids in the file, jobs made of them, and lines that are no record.

    Ids that the store has already are left alone, so that it may be done twice. `registry` is the file of the service
    that has the store: a job that is not in there would be taken for removed. Raises RegistryError, StoreError.
    """
    file = RegistryFile(path)
    if path.is_dir() or file.look() is None:
        raise RegistryError(f"there is no file {path}")
    last, passed_over = await asyncio.to_thread(_last_lines, file)
    live = RegistryFile(registry) if registry is not None and not _is_same(path, registry) else None
    imported = 0
    made = _snapshots(file, last, client)
    while batch := await asyncio.to_thread(lambda: list(islice(made, BATCH))):
        new = await _unknown(batch, client)
        if live is not None and new:
            await asyncio.to_thread(live.append, b"".join(map(_line_of, new)))
        imported += await client.store.restore(new)
    return {"found": len(last), "imported": imported, "passed_over": passed_over}


def _is_same(path: Path, other: Path) -> bool:
    return other.exists() and path.samefile(other)


async def _unknown(batch: Sequence[Snapshot], client: AsyncClient) -> list[Snapshot]:
    known = await client.find(Query(ids=tuple(one.job.id for one in batch)), len(batch))
    ids = {record.id for record in known.jobs}
    return [one for one in batch if one.job.id not in ids]


def _line_of(made: Snapshot) -> bytes:
    status = JobStatus.DELETED if made.job.task == DELETED else status_of(made.state)
    entry = Entry(made.job.id, made.job.created_at, made.job.task, status, made.started_at)
    result = msgspec.Raw(made.result) if made.result is not None and len(made.result) <= INLINE else None
    return line_of(entry, status, made.finished_at or made.job.created_at, result, made.error).text


def _last_lines(file: RegistryFile) -> tuple[frozenset[int], int]:
    """The numbers of those lines that count, and how many are no record."""
    last: dict[str, int] = {}
    passed_over = 0
    for number, text in enumerate(file.lines()):
        if (brief := read_briefly(text)) is not None:
            last[brief.job_id] = number
        elif text.strip():
            passed_over += 1
    return frozenset(last.values()), passed_over


def _snapshots(file: RegistryFile, wanted: frozenset[int], client: AsyncClient) -> Iterator[Snapshot]:
    for number, text in enumerate(file.lines()):
        if number in wanted and (line := read_line(text)) is not None:
            yield _snapshot(line, client)


def _snapshot(line: Line, client: AsyncClient) -> Snapshot:
    status, now = JobStatus(line.status), client.clock.now()
    changed = _seconds(line.updated_at) or now
    created = _seconds(line.created_at) or changed
    started, ended = _seconds(line.started_at) or created, _seconds(line.completed_at) or changed
    error = None
    if status is JobStatus.RUNNING:
        error = {"message": CUT_OFF}
    elif status in (JobStatus.ERROR, JobStatus.STOPPED, JobStatus.DELETED):
        error = {"message": line.description}
    task, args = IMPORTED, b"[[]]"
    if status is JobStatus.DELETED:
        task, args = DELETED, client.codec.encode([[_deleted(line, created, changed)]])
    job = Job(id=line.job_id, task=task, args=args, queue=QUEUE, created_at=created)
    times = (None, None) if status is JobStatus.PENDING else (started, ended)
    return at_rest(job, _STATES[status], times, error, _result(line.result, client))


def _deleted(line: Line, created: float, changed: float) -> Facts:
    return {
        "job_id": line.job_id,
        "status": JobStatus.DELETED.name,
        "progress": int(line.progress),
        "description": line.description,
        "created_at": local_time(created),
        "updated_at": local_time(changed),
        "job_type": "",
    }


def _result(value: Any, client: AsyncClient) -> bytes | None:
    try:
        return None if value is None else client.codec.encode(value)
    except EncodingError:
        return client.codec.encode(repr(value))


def _seconds(text: str | None) -> float | None:
    try:
        moment = moment_of(text)
        return None if moment is None else moment.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
