"""What has ended lately: successes of a task to compare with, and failures that are alike. It never looks at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.store import Query

from .fingerprint import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import JobRecord
    from queuemgr.service.told.why import AlikeFacts, SuccessesFacts
    from queuemgr.store import Store

ENOUGH = 20
"""Successes that are compared with."""

LOOK = 120
"""Jobs of one queue that are looked at for them, where the store has no index of finished jobs by task."""

PACE = 50
"""Successes that tell how fast a queue goes."""

_BY_TASK = ("sqlite://", "postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class Successes:
    """The newest of one task; `looked` is among how many they are."""

    jobs: Sequence[JobRecord]
    looked: int

    @property
    def durations(self) -> list[float]:
        return [ran for job in self.jobs if (ran := ran_for(job)) is not None]

    @property
    def facts(self) -> SuccessesFacts:
        taken = self.durations
        if not taken:
            return {"number": 0, "looked": self.looked}
        return {"number": len(taken), "looked": self.looked, "median": median(taken), "longest": max(taken)}


@dataclass(frozen=True, slots=True)
class Alike:
    """Those of the `looked` other dead jobs of a queue that bear the same fingerprint.

    `complete` is False where there may be more.
    """

    ids: tuple[str, ...]
    since: float | None
    looked: int
    complete: bool

    @property
    def facts(self) -> AlikeFacts:
        return {
            "number": len(self.ids),
            "since": self.since,
            "looked": self.looked,
            "complete": self.complete,
            "ids": list(self.ids[:10]),
        }


def ran_for(job: JobRecord) -> float | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return max(0.0, job.finished_at - job.started_at)


async def successes_of(store: Store, record: JobRecord) -> Successes:
    """Of the same task, without the job itself; the newest first."""
    query = Query(states=(State.SUCCEEDED,))
    if store.url.startswith(_BY_TASK):
        jobs = (await store.find(replace(query, task=record.task), ENOUGH + 1)).jobs
    else:
        jobs = (await store.find(replace(query, queue=record.queue), LOOK)).jobs
    found = [job for job in jobs if job.task == record.task and job.id != record.id]
    return Successes(found[:ENOUGH], len(jobs))


async def alike_to(store: Store, record: JobRecord) -> Alike:
    mine = fingerprint_of(record.error)
    page = await store.find(Query(states=(State.DEAD,), queue=record.queue), LOOK)
    others = [job for job in page.jobs if job.id != record.id]
    same = [job for job in others if fingerprint_of(job.error) == mine]
    ends = [job.finished_at for job in same if job.finished_at is not None]
    return Alike(tuple(job.id for job in same), min(ends, default=None), len(others), page.after is None)


async def pace_of(store: Store, queue: str, now: float) -> float | None:
    """Jobs of the queue that succeed in a second, by the last ones; None where they are too few or too long ago."""
    jobs = (await store.find(Query(states=(State.SUCCEEDED,), queue=queue), PACE)).jobs
    ends = sorted(job.finished_at for job in jobs if job.finished_at is not None and job.finished_at > now - 600)
    return len(ends) / (now - ends[0]) if len(ends) > 1 and now > ends[0] else None
