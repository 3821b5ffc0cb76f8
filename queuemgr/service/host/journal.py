"""The live registry: a line for every change of a job, in the order in which they happened. It decides nothing.

The store is the truth. What the journal missed is found by comparing (alignment.py).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from queuemgr.errors import JobNotFound, RegistryError, StoreError
from queuemgr.jobs.status import JobStatus, status_of
from queuemgr.service.flatrecord import QUEUE, is_tombstone, status_of_record
from queuemgr.service.registry.readers import Readers
from queuemgr.service.shown import result_of
from queuemgr.store import Query

from . import marking
from .entries import Entry, Line, Written, line_of
from .marking import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.job import Job, JobRecord, Lease
    from queuemgr.service.registry.file import RegistryFile
    from queuemgr.store import Report, Settlement

log = logging.getLogger("queuemgr.service")

BATCH = 500
MARK_EVERY = 1000
SPARE = 1000
"""Lines that the file may have beyond twice the number of its jobs."""

GATHER = 0.01
"""Seconds from one writing to the next: what happens meanwhile shares it. The first of it all is written at once."""

AT_ONCE = 64 * 1024
"""Bytes that are written by the event loop itself; more are written by a thread."""


@dataclass(slots=True)
class _Enqueued:
    job_id: str


@dataclass(slots=True)
class _Claimed:
    lease: Lease


@dataclass(slots=True)
class _Settled:
    ended: Settlement


@dataclass(slots=True)
class _Asked:
    """Look at these, and write down what is not written yet."""

    ids: list[str] = field(default_factory=list)


class Doubt(IntEnum):
    """Why the file may not say what the store says."""

    NONE = 0
    REWRITTEN = 1
    """Somebody changed it: what is missing was removed."""

    INCOMPLETE = 2
    """Lines may be missing that nobody removed."""


class Journal:
    """`inline` are the bytes of a result up to which it stands in its line."""

    def __init__(self, file: RegistryFile, client: AsyncClient, inline: int) -> None:
        self.file = file
        self.client = client
        self.inline = inline
        self.mark = Mark()
        self.live: dict[str, Entry] = {}
        self.written = Written()
        self.readers = Readers(file.path)
        self.purged: set[str] = set()
        self.recent: set[str] = set()
        """Ended since the store was last compared."""
        self.turn = asyncio.Lock()
        """Held by whoever writes to the file."""
        self.unsure = asyncio.Event()
        self.doubt = Doubt.NONE
        self._events: list[_Enqueued | _Claimed | _Settled | _Asked] = []
        self._flushing: asyncio.Task[None] | None = None
        self._unmarked = 0

    # what happens; called by the store's observer, never waits

    def expect(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.live.setdefault(job.id, Entry(job.id, job.created_at, job.task))

    def unexpect(self, jobs: Iterable[Job]) -> None:
        """They were not accepted, as far as is known."""
        ids = [job.id for job in jobs]
        for job_id in ids:
            if (entry := self.live.get(job_id)) is not None and entry.status is None:
                del self.live[job_id]
        self.look_at(ids)

    def enqueued(self, jobs: Iterable[Job]) -> None:
        self._note([_Enqueued(job.id) for job in jobs])

    def claimed(self, leases: Iterable[Lease]) -> None:
        self._note([_Claimed(lease) for lease in leases if lease.queue == QUEUE])

    def settled(self, settlements: Iterable[Settlement]) -> None:
        self._note([_Settled(ended) for ended in settlements if ended.lease.queue == QUEUE])

    def reported(self, reports: Iterable[Report]) -> None:
        for report in reports:
            if (entry := self.live.get(report.lease.id)) is not None:
                entry.progress = entry.progress if report.progress is None else report.progress
                entry.note = entry.note if report.note is None else report.note

    def look_at(self, ids: Sequence[str]) -> None:
        self._note([_Asked(list(ids[start : start + BATCH])) for start in range(0, len(ids), BATCH)])

    def be_unsure(self) -> None:
        """Something changed that cannot be named: the store is to be compared soon."""
        self.unsure.set()

    def doubt_it(self, doubt: Doubt) -> None:
        """The whole file is to be compared with the store."""
        self.doubt = max(self.doubt, doubt)
        self.unsure.set()

    async def drain(self) -> None:
        """Return once everything is written."""
        while self._flushing is not None:
            await asyncio.shield(self._flushing)

    def watch(self) -> None:
        """From now on take note of who reads the file that is there."""
        self.readers.watch(self.written.last)

    def save_mark(self) -> None:
        mark = self.mark
        mark.live = {entry.id: entry.status for entry in self.live.values() if entry.status is not None}
        mark.purged = sorted(self.purged)
        self._unmarked = 0
        if self.doubt is Doubt.NONE:
            marking.save(marking.mark_path(self.file.path), mark)

    # the way to the file

    def _note(self, events: Sequence[_Enqueued | _Claimed | _Settled | _Asked]) -> None:
        self._events += events
        if events and self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._carry_out(), name="queuemgr journal")

    async def _carry_out(self) -> None:
        try:
            while self._events:
                async with self.turn:
                    events, self._events = self._events[:BATCH], self._events[BATCH:]
                    await self._write(events)
                if len(self._events) < BATCH:
                    await asyncio.sleep(GATHER)
        finally:
            self._flushing = None

    async def _write(self, events: Sequence[_Enqueued | _Claimed | _Settled | _Asked]) -> None:
        try:
            await self._learn(events)
            lines: list[Line] = []
            for event in events:
                lines += await self._lines(event)
            if lines:
                await self._append(lines)
        except (StoreError, RegistryError) as error:
            # The file is brought in line later; the jobs themselves are safe in the store.
            log.warning("the registry misses changes and is put right later: %s", error)
            self.doubt_it(Doubt.INCOMPLETE)

    async def _append(self, lines: list[Line]) -> None:
        data = b"".join(line.text for line in lines)
        self.readers.hear(self.written.last)
        if len(data) <= AT_ONCE:
            before, after = self.file.append(data)
        else:
            before, after = await asyncio.to_thread(self.file.append, data)
        if before != self.mark.look:
            self.readers.changed()
            self.doubt_it(Doubt.INCOMPLETE if before is None else Doubt.REWRITTEN)
        else:
            self.readers.pass_over()
        self.mark.look = after
        if self.doubt is Doubt.NONE:
            self.written.add(lines)  # later ones tell nothing of what somebody saw who has rewritten the file
        self.mark.lines += len(lines)
        self._unmarked += len(lines)
        if self._unmarked >= max(MARK_EVERY, len(self.live)):
            self.save_mark()
        if self.is_long:
            self.unsure.set()

    @property
    def is_long(self) -> bool:
        """Whether the file is worth rewriting without the lines that do not count any more."""
        return self.mark.lines > 2 * self.mark.jobs + SPARE

    async def _learn(self, events: Iterable[_Enqueued | _Claimed | _Settled | _Asked]) -> None:
        """Look up the jobs that are not known yet: those of an earlier life of the service."""
        leases = [event.lease if isinstance(event, _Claimed) else event.ended.lease
                  for event in events if isinstance(event, _Claimed | _Settled)]  # fmt: skip
        for record in await self._find({one.id for one in leases if one.id not in self.live}):
            self.live[record.id] = Entry.of(record, status=None)

    async def _find(self, ids: Iterable[str]) -> list[JobRecord]:
        wanted = tuple(ids)
        return (await self.client.find(Query(ids=wanted), len(wanted))).jobs if wanted else []

    async def _lines(self, event: _Enqueued | _Claimed | _Settled | _Asked) -> list[Line]:
        match event:
            case _Enqueued(job_id):
                return self._become(job_id, JobStatus.PENDING)
            case _Claimed(lease):
                begun = self._become(lease.id, JobStatus.PENDING)
                return begun + self._become(lease.id, JobStatus.RUNNING, lease.started_at)
            case _Settled(ended):
                return await self._end(ended)
            case _Asked(ids):
                found = {record.id: record for record in await self._find(ids)}
                for job_id in ids:
                    if job_id not in found:
                        self.forget(job_id)
                return [line for record in found.values() for line in await self.lines_of_record(record)]

    def _become(self, job_id: str, status: JobStatus, started_at: float | None = None) -> list[Line]:
        """A job that has not ended; nothing where that is written already, or more than that."""
        entry = self.live.get(job_id)
        if entry is None or (entry.status is not None and entry.status >= status):
            return []
        if entry.status is None and status is JobStatus.PENDING:
            self._count(job_id)
        entry.status, entry.started_at = status, started_at
        return [line_of(entry, status, self._now())]

    async def _end(self, ended: Settlement) -> list[Line]:
        entry = self.live.get(ended.lease.id)
        if entry is None:
            return []
        status = status_of(ended.verdict.state)
        entry.status = status
        if not status.terminal:
            entry.started_at = None
            return [line_of(entry, status, ended.ended_at)]
        result = await result_of(self.client, entry.id, ended.result, self.inline, glance=True)
        error = ended.error if ended.error is not None else {"message": ended.verdict.reason}
        del self.live[entry.id]
        self.recent.add(entry.id)
        return [line_of(entry, status, ended.ended_at, result, error)]

    async def lines_of_record(self, record: JobRecord) -> list[Line]:
        """What is to be written so that the file says of this job what the store says."""
        status = status_of_record(record)
        entry = self.live.get(record.id)
        if entry is not None and entry.status == status:
            return []
        if entry is None or entry.status is None:
            self._count(record.id)
        entry = Entry.of(record, status)
        if not status.terminal:
            self.live[record.id] = entry
            return [line_of(entry, status, self._now())]
        try:
            data = None if is_tombstone(record) else await self.client.store.result(record.id)
        except JobNotFound:  # it has just gone, which is told by itself
            return []
        self.live.pop(record.id, None)
        self.recent.add(record.id)
        result: Any = await result_of(self.client, record.id, data, self.inline, glance=True)
        return [line_of(entry, status, record.finished_at or self._now(), result, record.error)]

    def forget(self, job_id: str) -> None:
        """Nothing is left of it: its lines go with the next rewriting of the file."""
        if (entry := self.live.get(job_id)) is not None and entry.status is None:
            return  # another one of that id is about to be added
        self.live.pop(job_id, None)
        self.recent.discard(job_id)
        self.purged.add(job_id)
        self.mark.jobs = max(0, self.mark.jobs - 1)

    def _count(self, job_id: str) -> None:
        self.mark.jobs += 1
        self.purged.discard(job_id)

    def _now(self) -> float:
        return self.client.clock.now()
