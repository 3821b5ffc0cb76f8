"""One record of the registry, and its form as a line. It opens no file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from queuemgr.jobs.status import JobStatus


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job at one moment. Times are naive and local. Raises ValueError."""

    job_id: str
    status: JobStatus
    progress: int
    description: str
    result: Any
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def __post_init__(self) -> None:
        job_id: Any = self.job_id
        progress: Any = self.progress
        if not isinstance(job_id, str) or not job_id:
            raise ValueError("job_id must be a text that is not empty")
        if not isinstance(progress, int) or not 0 <= progress <= 100:
            raise ValueError("progress must be a whole number from 0 to 100")
        if not isinstance(self.status, JobStatus):
            raise ValueError("status must be a JobStatus")  # noqa: TRY004 - older programs catch this one
        if self.created_at > self.updated_at:
            raise ValueError("created_at must not be later than updated_at")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a line says; everything but the id and the status may be missing, and more may stand there."""

    job_id: str
    status: int
    progress: float = 0
    description: str = ""
    result: Any = None
    created_at: str | None = None
    updated_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    job_class: str | None = None


class Brief(msgspec.Struct, frozen=True):
    """A line without what takes long to read."""

    job_id: str
    status: int
    completed_at: str | None = None


_read = msgspec.json.Decoder(Line).decode
_read_briefly = msgspec.json.Decoder(Brief).decode


def read_line(line: bytes) -> Line | None:
    """None for what is no record."""
    try:
        found = _read(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.job_id and 0 <= found.status <= JobStatus.DELETED else None


def read_briefly(line: bytes) -> Brief | None:
    try:
        found = _read_briefly(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.job_id and 0 <= found.status <= JobStatus.DELETED else None


def record_of(line: Line) -> JobRecord | None:
    """None where its values do not make a record."""
    try:
        created = moment_of(line.created_at) or moment_of(line.updated_at)
        updated = moment_of(line.updated_at) or created
        if created is None or updated is None:
            return None
        return JobRecord(
            line.job_id,
            JobStatus(line.status),
            int(line.progress),
            line.description,
            line.result,
            created,
            # In the hour that the clocks repeat, what comes later may seem to be earlier.
            max(created, updated),
            moment_of(line.started_at),
            moment_of(line.completed_at),
        )
    except (ValueError, OverflowError):
        return None


def line_of(record: JobRecord) -> bytes:
    """The line, with its end. A result that JSON has no form for is written as its text."""
    facts: dict[str, Any] = {
        "job_id": record.job_id,
        "status": int(record.status),
        "progress": record.progress,
        "description": record.description,
        "result": record.result,
        "created_at": text_of(record.created_at),
        "updated_at": text_of(record.updated_at),
    }
    for name in ("started_at", "completed_at"):
        if (moment := getattr(record, name)) is not None:
            facts[name] = text_of(moment)
    return json.dumps(facts, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"


def text_of(moment: datetime) -> str:
    """Always with microseconds: scripts parse it by that form."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def moment_of(text: str | None) -> datetime | None:
    """Naive and local. Raises ValueError."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo is not None else moment
