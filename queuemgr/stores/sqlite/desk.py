"""What people ask of the store: looking at jobs and changing them. The life of a job is next door, in store.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from . import control, keys, listing, reading, schedules

if TYPE_CHECKING:
    from queuemgr.clock import Clock
    from queuemgr.job import JobRecord
    from queuemgr.schedule import Schedule
    from queuemgr.store import OutputLine, Page, Query, QueueInfo, ScheduleInfo, WorkerInfo

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
        return await self._db.aread(partial(listing.count, query))

    async def queues(self) -> list[QueueInfo]:
        return await self._db.aread(listing.queues)

    async def workers(self) -> list[WorkerInfo]:
        return await self._db.aread(partial(reading.workers, self._clock.now()))

    async def change(self, verb: str, query: Query) -> int:
        return await self._db.awrite(partial(control.change, verb, query, self._clock.now()))

    async def pause(self, queue: str) -> None:
        await self._db.awrite(partial(control.pause, queue))

    async def resume(self, queue: str) -> None:
        await self._db.awrite(partial(control.resume, queue))

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None:
        await self._db.awrite(partial(schedules.put, schedule, next_at))

    async def schedules(self) -> list[ScheduleInfo]:
        return await self._db.aread(schedules.all_of)

    async def remove_schedule(self, name: str) -> bool:
        return await self._db.awrite(partial(schedules.remove, name))

    async def prune(self, limit: int = 1000) -> int:
        return await self._db.awrite(partial(control.prune, self._clock.now(), limit))

    async def key_get(self, key: str) -> bytes | None:
        return await self._db.aread(partial(keys.get, key, self._clock.now()))

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        return await self._db.awrite(partial(keys.put_if_absent, key, value, ttl, self._clock.now()))

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        return await self._db.awrite(partial(keys.add, key, amount, ttl, self._clock.now()))

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        return await self._db.awrite(partial(keys.remove_if, key, value, self._clock.now()))
