"""What people ask of the store: looking at jobs and changing them. The life of a job is next door, in store.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from queuemgr.job import WAITING
from queuemgr.keeping import change_by_parts
from queuemgr.store import require_priority

from . import control, copying, keys, listing, reading, schedules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import Job, JobRecord
    from queuemgr.schedule import Schedule
    from queuemgr.store import OutputLine, Page, Query, QueueInfo, ScheduleInfo, Snapshot, WorkerInfo

    from .database import Database
    from .remembering import Remembering


class Desk:
    """The part of the store that no worker needs."""

    _db: Database
    _remembering: Remembering

    def _given(self) -> float | None:
        raise NotImplementedError

    async def get(self, job_id: str) -> JobRecord:
        return await self._db.run(partial(reading.get, job_id))

    async def arguments(self, job_id: str) -> bytes:
        return await self._db.run(partial(reading.arguments, job_id))

    async def result(self, job_id: str) -> bytes | None:
        return await self._db.run(partial(reading.result, job_id))

    async def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]:
        return await self._db.run(partial(reading.output, job_id, after, limit))

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page:
        return await self._db.run(partial(listing.find, query, limit, after))

    async def count(self, query: Query) -> int:
        return await self._remembering.ask(query, lambda: self._db.run(partial(listing.count, query)), int)

    async def queues(self) -> list[QueueInfo]:
        return await self._remembering.ask("queues", lambda: self._db.run(listing.queues), listing.jobs_in)

    async def workers(self) -> list[WorkerInfo]:
        return await self._db.run(partial(reading.workers, self._given()))

    async def change(self, verb: str, query: Query) -> int:
        states, given = control.states_of(verb), self._given()

        async def change_some(some: Query, seqs: Sequence[int] | None) -> int:
            return await self._db.run(partial(control.change, verb, some, seqs, given), repeats=False)

        return await change_by_parts(query, states, self._newest, change_some)

    async def prioritise(self, query: Query, priority: int) -> int:
        require_priority(priority)

        async def prioritise_some(some: Query, seqs: Sequence[int] | None) -> int:
            return await self._db.run(partial(control.prioritise, priority, some, seqs))

        return await change_by_parts(query, tuple(sorted(WAITING)), self._newest, prioritise_some)

    async def _newest(self, query: Query, limit: int, before: int | None) -> list[int]:
        return await self._db.run(partial(listing.newest, query, limit, before))

    async def pause(self, queue: str) -> None:
        await self._db.run(partial(control.pause, queue))

    async def resume(self, queue: str) -> None:
        await self._db.run(partial(control.resume, queue))

    async def limit(self, queue: str, running: int | None) -> None:
        await self._db.run(partial(control.limit, queue, running))

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None:
        await self._db.run(partial(schedules.put, schedule, next_at))

    async def schedules(self) -> list[ScheduleInfo]:
        return await self._db.run(partial(schedules.all_of))

    async def remove_schedule(self, name: str) -> bool:
        return await self._db.run(partial(schedules.remove, name), repeats=False)

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        work = partial(schedules.fire, name, due, next_at, jobs, self._given())
        return await self._db.run(work, repeats=False)

    async def prune(self, limit: int = 1000) -> int:
        return await self._db.run(partial(control.prune, self._given(), limit))

    async def dump(self, after: int | str | None, limit: int) -> tuple[list[Snapshot], int | str | None]:
        return await self._db.run(partial(copying.dump, after, limit, self._given()))

    async def restore(self, snapshots: Sequence[Snapshot]) -> int:
        return await self._db.run(partial(copying.restore, snapshots, self._given()))

    async def key_get(self, key: str) -> bytes | None:
        return await self._db.run(partial(keys.get, key, self._given()))

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        work = partial(keys.put_if_absent, key, value, ttl, self._given())
        return await self._db.run(work, repeats=False)

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        return await self._db.run(partial(keys.add, key, amount, ttl, self._given()), repeats=False)

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        return await self._db.run(partial(keys.remove_if, key, value, self._given()), repeats=False)
