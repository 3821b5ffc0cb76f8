"""How many jobs of its queue go before a ready job: exactly where few wait, else between two bounds.

It looks at a bounded number of jobs on either side, because a queue may hold millions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.store import Query

if TYPE_CHECKING:
    from queuemgr.job import JobRecord
    from queuemgr.service.told.why import PositionFacts
    from queuemgr.store import QueueInfo, Store

LOOK = 100
"""Jobs that are looked at on either side."""


@dataclass(frozen=True, slots=True)
class Position:
    """`about` lies between the bounds; where they are equal, the number is exact."""

    least: int
    most: int
    about: int

    @property
    def exact(self) -> bool:
        return self.least == self.most

    @property
    def facts(self) -> PositionFacts:
        return {"least": self.least, "most": self.most, "about": self.about, "exact": self.exact}


async def position_of(store: Store, record: JobRecord, queue: QueueInfo) -> Position:
    query = Query(queue=record.queue, states=(State.READY,))
    others = max(0, queue.counts.get(State.READY, 0) - 1)
    newest = [] if record.priority == 9 else (await store.find(query, LOOK)).jobs
    newer = [job for job in newest if _follows(job, record)]
    all_newer, ahead = len(newer) < LOOK, sum(_goes_first(job) and job.priority > record.priority for job in newer)
    if all_newer and record.priority == 0:
        # Whatever is older goes first, so that nobody has to look at it.
        exactly = max(0, others - len(newer)) + ahead
        return Position(exactly, exactly, exactly)
    older = await store.find(query, LOOK, record.position)
    least = ahead + sum(_goes_first(job) and job.priority >= record.priority for job in older.jobs)
    if older.after is None and all_newer:
        return Position(least, least, least)
    unseen = max(0, others - len(older.jobs) - (len(newer) if all_newer else 0))
    most = least + unseen
    return Position(least, most, min(most, max(least, _guessed(record, queue, newest, others))))


def _follows(job: JobRecord, record: JobRecord) -> bool:
    return job.position > record.position  # type: ignore[operator]


def _goes_first(job: JobRecord) -> bool:
    """One that saw a worker die waits for a turn of its own."""
    return job.crashes == 0


def _guessed(record: JobRecord, queue: QueueInfo, newest: list[JobRecord], others: int) -> int:
    """As if the jobs had come evenly, and all had the same priority."""
    first, last = queue.oldest_ready, newest[0].created_at if newest else record.created_at
    if first is None or last <= first:
        return others
    return round(others * min(1.0, max(0.0, (record.created_at - first) / (last - first))))
