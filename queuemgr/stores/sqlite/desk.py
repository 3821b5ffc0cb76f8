"""What people ask of the store: looking at jobs and changing them. The life of a job is next door, in store.py."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from queuemgr.errors import StoreUnavailable
from queuemgr.job import WAITING
from queuemgr.keeping import AT_ONCE, change_by_parts
from queuemgr.store import require_priority

from . import control, copying, counting, keys, limits, listing, reading, schedules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import JobRecord, State
    from queuemgr.schedule import Schedule
    from queuemgr.store import OutputLine, Page, Query, QueueInfo, ScheduleInfo, Snapshot, WorkerInfo

    from .database import Database


class Desk:
    """The part of the store that no worker needs."""

    _db: Database
    _clock: Clock

    async def get(self, job_id: str) -> JobRecord:
        return await self._db.aread(partial(reading.get, job_id))

    async def arguments(self, job_id: str) -> bytes:
        return await self._db.aread(partial(reading.arguments, job_id))

    async def result(self, job_id: str) -> bytes | None:
        return await self._db.aread(partial(reading.result, job_id))

    async def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]:
        return await self._db.aread(partial(reading.output, job_id, after, limit))

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page:
        return await self._db.aread(partial(listing.find, query, limit, after))

    async def count(self, query: Query) -> int:
        if listing.is_counted(query):
            await self._count()
        return await self._db.aread(partial(listing.count, query))

    async def queues(self) -> list[QueueInfo]:
        await self._count()
        return await self._db.aread(listing.queues)

    async def _count(self) -> None:
        with suppress(StoreUnavailable):  # what cannot be written is counted by reading
            for _ in range(counting.STEPS):
                if not await self._db.aread(counting.is_behind):
                    return
                await self._db.awrite(counting.follow, quiet=True)

    async def workers(self) -> list[WorkerInfo]:
        return await self._db.aread(partial(reading.workers, self._clock.now()))

    async def change(self, verb: str, query: Query) -> int:
        states, now = control.states_of(verb), self._clock.now()

        async def change_some(some: Query, seqs: Sequence[int] | None) -> int:
            return await self._db.awrite(partial(control.change, verb, some, seqs, now))

        return await self._by_parts(query, states, change_some)

    async def prioritise(self, query: Query, priority: int) -> int:
        require_priority(priority)

        async def prioritise_some(some: Query, seqs: Sequence[int] | None) -> int:
            return await self._db.awrite(partial(control.prioritise, priority, some, seqs), quiet=True)

        return await self._by_parts(query, tuple(sorted(WAITING)), prioritise_some)

    async def _by_parts(
        self,
        query: Query,
        states: Sequence[State],
        change: Callable[[Query, Sequence[int] | None], Awaitable[int]],
    ) -> int:
        async def newest(some: Query, limit: int, before: int | None) -> list[int]:
            return await self._db.aread(partial(listing.newest, some, limit, before))

        return await change_by_parts(query, states, newest, change)

    async def pause(self, queue: str) -> None:
        await self._db.awrite(partial(control.pause, queue))

    async def resume(self, queue: str) -> None:
        await self._db.awrite(partial(control.resume, queue))

    async def limit(self, queue: str, running: int | None) -> None:
        await self._db.awrite(partial(limits.put, queue, running))

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None:
        await self._db.awrite(partial(schedules.put, schedule, next_at))

    async def schedules(self) -> list[ScheduleInfo]:
        return await self._db.aread(schedules.all_of)

    async def remove_schedule(self, name: str) -> bool:
        return await self._db.awrite(partial(schedules.remove, name))

    async def prune(self, limit: int = 1000) -> int:
        await self._count()
        gone, left, now = 0, limit, self._clock.now()
        while left > 0 and gone == limit - left:
            part = min(left, AT_ONCE)
            gone += await self._db.awrite(partial(control.prune, now, part))
            left -= part
        return gone

    async def dump(self, after: int | str | None, limit: int) -> tuple[list[Snapshot], int | str | None]:
        return await self._db.aread(partial(copying.dump, after, limit, self._clock.now()))

    async def restore(self, snapshots: Sequence[Snapshot]) -> int:
        return await self._db.awrite(partial(copying.restore, snapshots, self._clock.now()))

    async def key_get(self, key: str) -> bytes | None:
        return await self._db.aread(partial(keys.get, key, self._clock.now()))

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        return await self._db.awrite(partial(keys.put_if_absent, key, value, ttl, self._clock.now()))

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        return await self._db.awrite(partial(keys.add, key, amount, ttl, self._clock.now()))

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        return await self._db.awrite(partial(keys.remove_if, key, value, self._clock.now()))
