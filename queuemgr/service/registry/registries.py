"""Registries as older programs use them: records appended, the last of each id counts. They run no job."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from .file import RegistryFile
from .record import JobRecord, line_of, read_line, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("queuemgr.service")


class Registry(ABC):
    @abstractmethod
    def append(self, record: JobRecord) -> None: ...

    @abstractmethod
    def latest(self, job_id: str) -> JobRecord | None: ...

    @abstractmethod
    def all_latest(self) -> list[JobRecord]: ...


class InMemoryRegistry(Registry):
    def __init__(self) -> None:
        self._records: dict[str, JobRecord] = {}

    def append(self, record: JobRecord) -> None:
        self._records[record.job_id] = record

    def latest(self, job_id: str) -> JobRecord | None:
        return self._records.get(job_id)

    def all_latest(self) -> list[JobRecord]:
        return list(self._records.values())


class JsonlRegistry(Registry):
    """A file with one record a line. Lines that are no record are passed over with a warning. Raises RegistryError."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = RegistryFile(self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def append(self, record: JobRecord) -> None:
        self._file.append(line_of(record))

    def latest(self, job_id: str) -> JobRecord | None:
        found = None
        for record in self._records():
            found = record if record.job_id == job_id else found
        return found

    def all_latest(self) -> list[JobRecord]:
        return list({record.job_id: record for record in self._records()}.values())

    def get_job_history(self, job_id: str) -> list[JobRecord]:
        """Every record of the job, by the time of its change."""
        found = (record for record in self._records() if record.job_id == job_id)
        return sorted(found, key=lambda record: record.updated_at)

    def clear(self) -> None:
        self._file.replace(())

    def _records(self) -> Iterator[JobRecord]:
        skipped = 0
        for text in self._file.lines():
            line = read_line(text)
            record = None if line is None else record_of(line)
            if record is not None:
                yield record
            elif text.strip():
                skipped += 1
        if skipped:
            log.warning("%s: %d lines are no job records and were passed over", self.path, skipped)
