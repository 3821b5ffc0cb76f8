"""What did not go smoothly: jobs that failed, are dead, or lost their worker. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from queuemgr import Query, State

from .folder import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from queuemgr.client import Client
    from queuemgr.job import JobRecord

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Trouble:
    """A job that failed, what it said, and at which attempt it succeeded after all; None where it is dead."""

    job: str
    file: str
    error: str
    message: str
    succeeded_at: int | None = None

    @classmethod
    def of(cls, record: JobRecord, name: str, error: Mapping[str, Any] | None) -> Trouble:
        message = shown(str((error or {}).get("message", "")))
        succeeded_at = record.attempt if record.state is State.SUCCEEDED else None
        return cls(record.id, name, in_short(error), message, succeeded_at)


@dataclass(slots=True)
class Troubles:
    """`taken_back` counts the jobs that were in the hands of a worker as it died."""

    succeeded: int = 0
    taken_back: int = 0
    retried: list[Trouble] = field(default_factory=list)
    dead: list[Trouble] = field(default_factory=list)

    def add(self, record: JobRecord, name: str) -> None:
        """`record` has its history."""
        self.taken_back += any(attempt.outcome == "interrupted" for attempt in record.attempts)
        failed = [attempt for attempt in record.attempts if attempt.outcome == "failed"]
        if record.state is State.DEAD:
            self.dead.append(Trouble.of(record, name, record.error))
        elif failed:
            self.retried.append(Trouble.of(record, name, failed[-1].error))


def find_troubles(client: Client, tag: str, names: Mapping[str, str]) -> Troubles:
    """Look through all jobs of one run. Raises StoreError."""
    troubles = Troubles()
    for record in _records(client, tag):
        troubles.succeeded += record.state is State.SUCCEEDED
        if record.attempt > 1 or record.state is not State.SUCCEEDED:
            troubles.add(client.get(record.id), names[record.id])
    return troubles


def in_short(error: Mapping[str, Any] | None) -> str:
    """What kind of error was recorded: `FileNotFoundError`."""
    return shown(str((error or {}).get("type", "an unknown error")).rpartition(".")[2])


def _records(client: Client, tag: str) -> Iterator[JobRecord]:
    after = None
    while True:
        page = client.find(Query(tag=tag), PAGE, after)
        yield from page.jobs
        if (after := page.after) is None:
            return
