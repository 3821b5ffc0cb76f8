"""The service's store, which tells the journal of every change that goes through it. It changes nothing by itself."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any

from queuemgr.job import State
from queuemgr.service.flatrecord import IMPORTED, QUEUE

from .endings import Ended, Endings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import Job
    from queuemgr.store import Claim, Claimed, Enqueued, Query, Report, Settlement, Snapshot, Store

    from .journal import Journal


LOOK = 1.0
"""Seconds between two looks at a job that somebody waits for."""

BUSY = 0.02
"""Seconds after a claim in which the next work is expected from here; only then the store is looked at for that."""


class Observed:
    """A Store. What is not named here goes to the store as it is."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._endings = Endings()
        self._work = asyncio.Event()
        """Something was made ready since the last claim, here."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        own = [job for job in jobs if job.queue == QUEUE]
        # The worker may have one of them before the caller is told.
        self._journal.expect(own)
        try:
            done = await self._store.enqueue(jobs)
        except BaseException:
            self._journal.unexpect(own)
            raise
        self._journal.enqueued(own)
        if not all(job.held for job in jobs):
            self._work.set()
        return done

    async def claim(self, claim: Claim) -> Claimed:
        if claim.limit:
            self._work.clear()
        claimed = await self._store.claim(claim)
        self._journal.claimed(claimed.leases)
        return claimed

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        busy = min(BUSY, timeout)
        try:
            async with asyncio.timeout(busy):
                await self._work.wait()
        except TimeoutError:
            if timeout > busy:
                await self._store.wait(queues, timeout - busy)

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        settled = await self._store.settle(settlements)
        self._journal.settled([one for one, taken in zip(settlements, settled, strict=True) if taken])
        for one, taken in zip(settlements, settled, strict=True):
            if one.verdict.state is State.READY:
                self._work.set()
            if self._endings.are_awaited(one.lease.id):
                over = taken and one.verdict.state.finished
                self._endings.ring((one.lease.id,), self._ended(one) or one.verdict.state if over else None)
        return settled

    def _ended(self, settled: Settlement) -> Ended | None:
        """None where the store alone knows all of it."""
        lease, entry = settled.lease, self._journal.live.get(settled.lease.id)
        if entry is None or settled.verdict.state is not State.SUCCEEDED or lease.attempt != 1:
            return None
        return Ended(
            id=lease.id,
            task=lease.task,
            state=settled.verdict.state,
            created_at=entry.created_at,
            started_at=lease.started_at,
            finished_at=settled.ended_at,
            progress=entry.progress,
            note=entry.note,
            result=settled.result,
        )

    def is_of_a_class(self, job_id: str) -> bool:
        """Whether it is known, without asking, that the job has not ended and which class it has."""
        entry = self._journal.live.get(job_id)
        return entry is not None and entry.job_class not in ("", IMPORTED)

    async def wait_finished(self, job_id: str, timeout: float | None) -> State | None:
        ended = await self.wait_ended(job_id, timeout)
        return ended.state if isinstance(ended, Ended) else ended

    async def wait_ended(self, job_id: str, timeout: float | None) -> Ended | State | None:
        """`wait_finished`, with all of it where it ended meanwhile, here and well."""
        loop = asyncio.get_running_loop()
        deadline = inf if timeout is None else loop.time() + timeout
        while True:
            with self._endings.next_of(job_id) as ringing:
                state = await self._store.wait_finished(job_id, 0)
                left = deadline - loop.time()
                if state is not None or left <= 0:
                    return state
                # Others end jobs too, who ring nobody here.
                await asyncio.wait((ringing,), timeout=min(left, LOOK))
                if ringing.done() and (ended := ringing.result()) is not None:
                    return ended

    async def report(self, reports: Sequence[Report]) -> None:
        await self._store.report(reports)
        self._journal.reported(reports)

    async def change(self, verb: str, query: Query) -> int:
        changed = await self._store.change(verb, query)
        self._endings.ring(query.ids or None)
        if changed and verb in ("release", "retry"):
            self._work.set()
        if changed and verb not in ("hold", "release"):
            self._journal.look_at(query.ids) if query.ids else self._journal.be_unsure()
        return changed

    async def restore(self, snapshots: Sequence[Snapshot]) -> int:
        restored = await self._store.restore(snapshots)
        self._journal.look_at([one.job.id for one in snapshots if one.job.queue == QUEUE])
        return restored

    async def prune(self, limit: int = 1000) -> int:
        pruned = await self._store.prune(limit)
        if pruned:
            self._journal.be_unsure()
        return pruned

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        fired = await self._store.fire(name, due, next_at, jobs)
        self._journal.look_at([job.id for job in jobs if job.queue == QUEUE])
        return fired
