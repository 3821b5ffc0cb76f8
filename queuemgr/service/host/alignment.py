"""Brings the registry file in line with the store: after a crash, and where others changed the one or the other.

Of a long file it reads no more than the end, unless somebody has rewritten it. It runs beside the service's work.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from queuemgr.errors import QueuemgrError
from queuemgr.job import WAITING, State
from queuemgr.jobs.status import JobStatus, status_of
from queuemgr.service.flatrecord import QUEUE, is_tombstone, status_of_record
from queuemgr.service.registry.file import Look
from queuemgr.service.registry.record import read_briefly
from queuemgr.store import Query

from . import marking
from .entries import Entry
from .journal import Doubt
from .marking import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuemgr.job import JobRecord

    from .journal import Journal

log = logging.getLogger("queuemgr.service")

PAGE = 500
GLANCE = 1.0
"""Seconds between two looks at whether somebody has rewritten the file, or changed the store."""

YOUNG = 5.0
"""Seconds in which somebody who rewrites the file reads it and writes it again.

A line that was written meanwhile is lost by accident. It was removed where the rewritten file has a later one, and
where the file was read after that line, and by nobody in these seconds before it.
"""

PAUSE = 1.0
SETTLED = 0.05
LONGEST_CALM = 60.0
FEW = 50
"""Jobs that are looked at one by one: others may have ended one and added another, which no number tells."""

AT_A_GLANCE = 10_000
"""Jobs that are counted in no time: with more of them it is done less often."""

UNFINISHED = (*sorted(WAITING), State.RUNNING)


class Calm:
    """Looks at everything in vain make the next one wait for longer."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def rest(self, seconds: float) -> None:
        self._until = max(self._until, time.monotonic() + seconds)

    def learn(self, found: bool) -> None:
        self._pause = 0.0 if found else min(2 * self._pause + GLANCE, LONGEST_CALM)
        self._until = time.monotonic() + self._pause


class Alignment:
    """`interval` is in seconds; `young` see YOUNG."""

    def __init__(self, journal: Journal, interval: float, young: float = YOUNG) -> None:
        self.interval = interval
        self._journal = journal
        self._young = young
        self._due = 0.0

    def begin(self) -> None:
        """Take up what an earlier life of the service knew. Reads the end of the file at most."""
        journal = self._journal
        mark = marking.load(marking.mark_path(journal.file.path))
        if mark is not None and journal.file.goes_on(mark.look):
            self._take_up(mark)
            journal.unsure.set()
        else:
            seen = journal.file.look()
            journal.mark.look = seen or journal.file.append(b"")[1]
            # A file that is gone is made anew; only what somebody took out of one was meant to go.
            journal.doubt_it(Doubt.INCOMPLETE if mark is None or seen is None else Doubt.REWRITTEN)
        journal.watch()

    async def run(self) -> None:
        """For ever."""
        calm = Calm()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._journal.unsure.wait(), min(GLANCE, self.interval))
            asked = self._journal.unsure.is_set()
            self._journal.unsure.clear()
            try:
                await self._look(calm, asked=asked)
                continue
            except QueuemgrError as error:
                log.warning("the registry cannot be compared with the store now, it is tried again: %s", error)
            except Exception:
                log.exception("the registry cannot be compared with the store now, it is tried again")
            self._journal.unsure.set()
            await asyncio.sleep(GLANCE)

    async def align(self) -> None:
        """Compare, and write down what is missing. Raises StoreError, RegistryError."""
        journal = self._journal
        now = journal.client.clock.now()
        if (doubt := journal.doubt) is not Doubt.NONE:
            statuses = await self._read_all()
            await self._compare_all(statuses, now if doubt is Doubt.REWRITTEN else None)
            journal.watch()
        else:
            await self._compare_new(journal.mark.at)
            if not await self._counts_agree():
                await self._compare_live()
        journal.mark.at = now
        journal.recent.clear()
        if journal.is_long:
            await self._shorten()
        async with journal.turn:
            journal.save_mark()

    async def end(self) -> None:
        """Leave a mark from which the next life can go on. Raises StoreError, RegistryError."""
        journal = self._journal
        await journal.drain()
        if journal.doubt is Doubt.NONE:
            now = journal.client.clock.now()
            await self._compare_new(journal.mark.at)
            journal.mark.at = now
        journal.save_mark()

    async def _look(self, calm: Calm, *, asked: bool) -> None:
        """Raises StoreError, RegistryError."""
        asked = self._glance() or asked
        if not asked and calm.is_over:
            calm.learn(await self._counts_agree() or await self._compare_soon())
            calm.rest(len(self._journal.live) / AT_A_GLANCE)
        if asked or time.monotonic() >= self._due:
            self._due = time.monotonic() + self.interval
            await self.align()
            await asyncio.sleep(PAUSE)

    def _take_up(self, mark: Mark) -> None:
        journal = self._journal
        journal.mark, journal.purged = mark, set(mark.purged)
        live = {job_id: JobStatus(status) for job_id, status in mark.live.items()}
        for text in journal.file.lines(mark.look.size):
            brief = read_briefly(text)
            if brief is None:
                continue
            mark.lines += 1
            status = JobStatus(brief.status)
            if status.terminal:
                live.pop(brief.job_id, None)
            else:
                mark.jobs += brief.job_id not in live
                live[brief.job_id] = status
            journal.purged.discard(brief.job_id)
        journal.live = {job_id: Entry(job_id, 0.0, "", status) for job_id, status in live.items()}
        mark.look = journal.file.look() or mark.look

    def _glance(self) -> bool:
        """Whether somebody has changed the file."""
        journal = self._journal
        if journal.turn.locked():
            return False
        journal.readers.hear(journal.written.last)
        if (seen := journal.file.look()) == journal.mark.look:
            journal.readers.pass_over()
            return False
        journal.readers.changed()
        log.info("%s was changed by somebody else and is compared with the store", journal.file.path)
        journal.doubt_it(Doubt.INCOMPLETE if seen is None else Doubt.REWRITTEN)
        return True

    async def _read_all(self) -> dict[str, JobStatus]:
        """What the file says of each job."""
        journal = self._journal
        async with journal.turn:
            statuses, lines, bad = await asyncio.to_thread(self._statuses)
            journal.mark.look = journal.file.look() or journal.file.append(b"")[1]
            journal.mark.lines, journal.mark.jobs = lines, len(statuses)
            journal.doubt = Doubt.NONE
        if bad:
            log.warning("%s: %d lines are no job records and were passed over", journal.file.path, bad)
        return statuses

    def _statuses(self) -> tuple[dict[str, JobStatus], int, int]:
        statuses: dict[str, JobStatus] = {}
        lines = bad = 0
        words = tuple(JobStatus(number) for number in range(JobStatus.DELETED + 1))
        for text in self._journal.file.lines():
            lines += 1
            if (brief := read_briefly(text)) is not None:
                statuses[brief.job_id] = words[brief.status]
            elif text.strip():
                bad += 1
        return statuses, lines, bad

    async def _compare_all(self, statuses: dict[str, JobStatus], rewritten: float | None) -> None:
        """`rewritten` is when it was noticed that somebody removed lines; None where nobody did."""
        seen = self._journal.written.last_of(statuses)
        after: int | str | None = None
        while True:
            began = time.monotonic()
            page = await self._journal.client.find(Query(queue=QUEUE), PAGE, after)
            await self._compare_page(page.jobs, statuses, rewritten, seen)
            if (after := page.after) is None:
                return
            # Half of the time belongs to those who wait for answers.
            await asyncio.sleep(time.monotonic() - began)

    async def _compare_page(
        self, records: Sequence[JobRecord], statuses: dict[str, JobStatus], rewritten: float | None, seen: int
    ) -> None:
        """What somebody took out of the file goes from the store, too; what is not written down is."""
        removed = []
        for record in records:
            status = status_of_record(record)
            said = statuses.get(record.id)
            if said is status:
                if not status.terminal:
                    self._journal.live.setdefault(record.id, Entry.of(record, status))
            elif said is None and rewritten is not None and self._was_removed(record, rewritten, seen):
                removed.append(record.id)
            else:
                self._journal.live.pop(record.id, None)
                self._journal.look_at([record.id])
        if removed:
            log.info("%d jobs were removed from the registry and are forgotten", len(removed))
            await self._journal.client.delete(*removed)
        await self._journal.drain()

    def _was_removed(self, record: JobRecord, noticed: float, seen: int) -> bool:
        if not record.state.finished:
            return False
        if (record.finished_at or noticed) < noticed - self._young:
            return True
        place = self._journal.written.place_of(record.id, status_of_record(record))
        return place <= seen or self._journal.readers.saw(place, self._young)

    async def _compare_soon(self) -> bool:
        """Whether others have changed the store, as the numbers of its jobs say; then it is written down."""
        journal = self._journal
        await asyncio.sleep(SETTLED)  # what goes on just now is not in both of them yet
        if await self._counts_agree():
            return True
        before, now = (journal.mark.lines, len(journal.purged)), journal.client.clock.now()
        await self._compare_new(journal.mark.at)
        journal.mark.at = now
        if not await self._counts_agree():
            await self._compare_live()
        return before != (journal.mark.lines, len(journal.purged))

    async def _compare_live(self) -> None:
        """Jobs that have not ended: those written down, and those in the store."""
        ids = [entry.id for entry in self._journal.live.values()]
        for start in range(0, len(ids), PAGE):
            self._journal.look_at(ids[start : start + PAGE])
            await self._journal.drain()
        async for record in self._found(Query(queue=QUEUE, states=UNFINISHED)):
            if record.id not in self._journal.live:
                self._journal.look_at([record.id])
        await self._journal.drain()

    async def _counts_agree(self) -> bool:
        await self._journal.drain()
        here: dict[JobStatus | None, int] = {}
        for entry in self._journal.live.values():
            here[entry.status] = here.get(entry.status, 0) + 1
        there: dict[JobStatus | None, int] = {}
        for info in await self._journal.client.queues():
            for state, number in info.counts.items() if info.name == QUEUE else ():
                if number and state in UNFINISHED:
                    status = status_of(state)
                    there[status] = there.get(status, 0) + number
        if here != there or not 0 < len(self._journal.live) <= FEW:
            return here == there
        found = self._found(Query(queue=QUEUE, states=UNFINISHED))
        return {record.id async for record in found} == set(self._journal.live)

    async def _compare_new(self, since: float) -> None:
        """Jobs that were added since, and are not written down yet."""
        journal = self._journal
        async for record in self._found(Query(queue=QUEUE, created_after=since - PAUSE)):
            if record.id not in journal.live and record.id not in journal.recent and not is_tombstone(record):
                journal.look_at([record.id])
        await journal.drain()

    async def _found(self, query: Query):  # type: ignore[no-untyped-def]
        after: int | str | None = None
        while True:
            page = await self._journal.client.find(query, PAGE, after)
            for record in page.jobs:
                yield record
            if (after := page.after) is None:
                return

    async def _shorten(self) -> None:
        """Keep the last line of each job that is still there."""
        journal = self._journal
        async with journal.turn:
            before = journal.mark.lines
            kept, look = await asyncio.to_thread(self._rewrite, frozenset(journal.purged))
            journal.mark.look, journal.mark.lines, journal.mark.jobs = look, kept, kept
            journal.watch()
            journal.purged.clear()
        log.info("%s was shortened from %d to %d lines", journal.file.path, before, kept)

    def _rewrite(self, purged: frozenset[str]) -> tuple[int, Look]:
        last: dict[str, int] = {}
        count = 0
        for count, text in enumerate(self._journal.file.lines(), 1):
            if (brief := read_briefly(text)) is not None and brief.job_id not in purged:
                last[brief.job_id] = count
        numbers = frozenset(last.values())
        kept = 0

        def lines() -> Iterator[bytes]:
            nonlocal kept
            for number, text in enumerate(self._journal.file.lines(), 1):
                # What others appended meanwhile is kept unseen.
                if number in numbers or number > count:
                    kept += 1
                    yield text

        look = self._journal.file.replace(lines())
        return kept, look
