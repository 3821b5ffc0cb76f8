"""A job as the journal remembers it until it has ended, and its line in the registry. It asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.jobs.status import JobStatus
from queuemgr.service.flatrecord import describe, local_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from queuemgr.job import JobRecord

MOST = 2000
_encode = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(slots=True)
class Entry:
    """`status` is the one that was written last, None where nothing was."""

    id: str
    created_at: float
    job_class: str
    status: JobStatus | None = None
    started_at: float | None = None
    progress: float = 0.0
    note: str | None = None

    @classmethod
    def of(cls, record: JobRecord, status: JobStatus | None) -> Entry:
        progress = record.progress or 0.0
        return cls(record.id, record.created_at, record.task, status, record.started_at, progress, record.note)


@dataclass(frozen=True, slots=True)
class Line:
    """`text` is the whole line with its end."""

    job_id: str
    status: JobStatus
    text: bytes


class Written:
    """In which order the last lines were written: tells what somebody has seen who rewrites the file."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, JobStatus], int] = {}
        self.last = 0

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.last += 1
            self._places.pop((line.job_id, line.status), None)
            self._places[line.job_id, line.status] = self.last
        while len(self._places) > MOST:
            del self._places[next(iter(self._places))]

    def place_of(self, job_id: str, status: JobStatus) -> float:
        """Infinity where it is not known any more."""
        return self._places.get((job_id, status), inf)

    def last_of(self, statuses: Mapping[str, JobStatus]) -> int:
        """The place of the last line that is among these; 0 where none is."""
        return max((place for (one, status), place in self._places.items() if statuses.get(one) is status), default=0)


def line_of(
    entry: Entry, status: JobStatus, now: float, result: Any = None, error: dict[str, Any] | None = None
) -> Line:
    """The line with its end. `now` is the moment of the change."""
    facts: dict[str, Any] = {
        "job_id": entry.id,
        "status": int(status),
        "progress": 100 if status is JobStatus.COMPLETED else int(entry.progress),
        "description": describe(status, entry.note, error),
        "result": result,
        "created_at": local_time(min(entry.created_at, now)),
        "updated_at": local_time(now),
    }
    if entry.started_at is not None:
        facts["started_at"] = local_time(entry.started_at)
    if status.terminal:
        facts["completed_at"] = local_time(now)
    facts["job_class"] = entry.job_class
    return Line(entry.id, status, _encoded(facts) + b"\n")


def _encoded(facts: dict[str, Any]) -> bytes:
    try:
        return _encode(facts)
    except (UnicodeEncodeError, ValueError, RecursionError):
        words = str(facts["description"]).encode("utf-8", "replace").decode()
        return _encode(facts | {"description": words, "result": None})
