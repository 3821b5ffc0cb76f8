"""Looking at jobs in the table and among the failed ones. It changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from queuemgr.dialects.laravel.listing import ENDED, fits, quoted, record_of
from queuemgr.dialects.laravel.payload import Payload, has_count, parse
from queuemgr.dialects.laravel.picking import unread_id
from queuemgr.dialects.laravel.why import Why
from queuemgr.errors import JobNotFound, UndecodableError
from queuemgr.job import JobRecord, State
from queuemgr.store import Page, QueueInfo

if TYPE_CHECKING:
    from queuemgr.dialects.laravel.address import Ways
    from queuemgr.dialects.laravel.format import Laravel
    from queuemgr.store import Query

    from .book import Book
    from .connecting import Row, Transaction
    from .failed import FailedTable, Failure
    from .rows import Jobs

CHUNK = 500
JOBS, FAILED = "jobs", "failed"


@dataclass(frozen=True, slots=True)
class Found:
    """A job where it stands: its row, or its failure. `payload` is None where it cannot be read."""

    record: JobRecord
    body: bytes
    payload: Payload | None
    row: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    jobs: Jobs
    failed: FailedTable
    book: Book
    ways: Ways

    def get(self, tx: Transaction, job_id: str, now: float) -> Found:
        """Raises JobNotFound."""
        for found in self._rows(tx, None, job_id, now):
            if found.record.id == job_id:
                return found
        if (failure := self.failed.get(tx, job_id)) is not None:
            return of_failure(failure, self.ways.dialect, now)
        raise JobNotFound(job_id)

    def find(self, tx: Transaction, query: Query, limit: int, after: int | str | None, now: float) -> Page:
        """What waits and runs, then what failed; the newest of each first."""
        jobs: list[JobRecord] = []
        if limit < 1:
            return Page([], after)
        for place, found in self._all(tx, query, now, str(after or "")):
            if fits(found.record, query):
                jobs.append(replace(found.record, position=place))
            if len(jobs) == limit + 1:
                return Page(jobs[:-1], str(jobs[-2].position))
        return Page(jobs, None)

    def all(self, tx: Transaction, query: Query, now: float) -> list[Found]:
        return [found for _, found in self._all(tx, query, now, "") if fits(found.record, query)]

    def queues(self, tx: Transaction, now: float) -> list[QueueInfo]:
        return [QueueInfo(name=name, paused=False, counts=counts) for name, counts in self._counts(tx, now).items()]

    def count(self, tx: Transaction, query: Query, now: float) -> int:
        plain = not any((query.ids, query.task, query.tag, query.worker, query.error)) and not (
            query.created_after or query.created_before
        )
        if not plain or set(query.states) & set(ENDED) not in (set(), set(ENDED)):
            return len(self.all(tx, query, now))
        return sum(
            number
            for name, counts in self._counts(tx, now).items()
            for state, number in counts.items()
            if query.queue in (None, name) and (not query.states or state in query.states)
        )

    def dead(self, tx: Transaction, queue: str, limit: int) -> list[Failure]:
        return self.failed.page(tx, queue, 0, limit)

    def _counts(self, tx: Transaction, now: float) -> Mapping[str, Mapping[State, int]]:
        states = (State.SCHEDULED, State.READY, State.RUNNING, State.DEAD)
        found: dict[str, dict[State, int]] = defaultdict(lambda: dict.fromkeys(states, 0))
        self.jobs.check(tx)
        for name, reserved, delayed, number in self.jobs.counts(tx, now, self.ways.retry_after):
            found[name][State.RUNNING if reserved else State.SCHEDULED if delayed else State.READY] += number
        for name, number in self.failed.counts(tx).items():
            found[name][State.DEAD] += number
        return dict(sorted(found.items()))

    def _all(self, tx: Transaction, query: Query, now: float, after: str) -> Iterator[tuple[str, Found]]:
        """Each with its place, from the one that follows `after` on."""
        part, _, place = after.partition(":")
        wanted = set(query.states)
        if part != FAILED and (not wanted or wanted - set(ENDED)):
            needle = query.ids[0] if len(query.ids) == 1 else None
            for found in self._rows(tx, query.queue, needle, now, int(place) if place else None):
                yield f"{JOBS}:{found.row}", found
        if not wanted or wanted & set(ENDED):
            first = int(place) if part == FAILED else 0
            while failures := self.failed.page(tx, query.queue, first, CHUNK):
                for failure in failures:
                    first += 1
                    yield f"{FAILED}:{first}", of_failure(failure, self.ways.dialect, now)

    def _rows(
        self, tx: Transaction, queue: str | None, job_id: str | None, now: float, after: int | None = None
    ) -> Iterator[Found]:
        self.jobs.check(tx)
        where: list[str] = ["1 = 1"]
        values: list[str | int] = []
        if queue is not None:
            where.append("j.queue = ?")
            values.append(queue)
        if job_id and (needle := quoted(job_id)):
            where.append(f"{tx.kind.find}(j.payload, ?) > 0")
            values.append(needle)
        while True:
            here, known = (where, values) if after is None else ([*where, "j.id < ?"], [*values, after])
            condition = " AND ".join(here)
            rows = self.jobs.page(tx, condition, known, CHUNK, holders=self.book.is_there(tx))
            for row in rows:
                yield self._of_row(row, now)
            if len(rows) < CHUNK:
                return
            after = rows[-1][0]

    def _of_row(self, row: Row, now: float) -> Found:
        place, queue, text, attempts, reserved_at, available_at, created_at, worker, token = row
        body = text if isinstance(text, bytes) else str(text).encode()
        state = State.SCHEDULED if available_at > now else State.READY
        if reserved_at is not None:
            state = State.RUNNING if reserved_at > int(now - self.ways.retry_after) else State.READY
        try:
            payload = parse(body, attempts)
            reading = self.ways.dialect.reading(payload, now)
        except UndecodableError:
            record = record_of(unread_id(body), "(unreadable)", queue, state, None, Why(), float(created_at))
            return Found(record, body, None, place)
        record = record_of(reading.id, reading.names[0], queue, state, reading, Why(), float(created_at))
        running = state is State.RUNNING
        record = replace(
            record,
            created_at=record.created_at if reading.created_at is not None else float(created_at),
            run_at=float(available_at) if state is State.SCHEDULED else None,
            started_at=float(reserved_at) if running else None,
            worker=worker if running else None,
            attempt=(token or max(payload.marker.claims, attempts)) if running else record.attempt,
        )
        return Found(record, body, payload, place)


def of_failure(failure: Failure, dialect: Laravel, now: float) -> Found:
    why = failure.why
    try:
        # What came here through Redis counts its attempts itself.
        payload = parse(failure.payload, None if has_count(failure.payload) else why.attempts or 0)
        reading = dialect.reading(payload, now)
    except UndecodableError:
        record = record_of(failure.uuid, "(unreadable)", failure.queue, why.state, None, why, why.at)
        return Found(record, failure.payload, None, failure=failure)
    record = record_of(failure.uuid, reading.names[0], failure.queue, why.state, reading, why, why.at)
    record = replace(record, failures=why.attempts if why.attempts is not None else record.failures)
    return Found(replace(record, attempt=why.claims or record.attempt), failure.payload, payload, failure=failure)
