"""Which of the service's jobs are forgotten by themselves, and whether there is room for one more.

No job that has not ended is ever forgotten for the sake of another: the other one is refused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from queuemgr.errors import JobNotFound, ProcessControlError
from queuemgr.job import WAITING, State
from queuemgr.jobs.status import JobStatus
from queuemgr.service.burying import bury
from queuemgr.service.flatrecord import QUEUE, status_of_record
from queuemgr.store import Query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord

    from .config import HostConfig

EXPIRED = "Pending job expired"
PAGE = 500
UNFINISHED = (*sorted(WAITING), State.RUNNING)
ENDED = tuple(state for state in State if state.finished)


class Retention:
    """`config` gives the settings as they are now."""

    def __init__(self, client: AsyncClient, config: Callable[[], HostConfig]) -> None:
        self._client = client
        self._config = config
        self._adding = asyncio.Lock()
        self._oldest: deque[str] = deque()

    async def sweep(self) -> int:
        """Forget what is over; how many jobs. Raises StoreError."""
        config, now = self._config(), self._client.clock.now()
        gone, kept = [], []
        async for record in self._jobs(tuple(_states_to_look_at(config))):
            keep = _lifetime(status_of_record(record), config)
            ended = record.finished_at or now
            if keep is not None and ended + keep <= now:
                gone.append(record.id)
            else:
                kept.append((ended, record.id))
        if config.max_retained_jobs is not None and len(kept) > config.max_retained_jobs:
            kept.sort()
            gone += [job_id for _, job_id in kept[: len(kept) - config.max_retained_jobs]]
        return await self._forget(gone) + await self._expire(now)

    @asynccontextmanager
    async def room_for(self, job_id: object, job_class: object) -> AsyncIterator[None]:
        """Within the context the job may be added. Raises ProcessControlError where there is no room for it."""
        config = self._config()
        if config.max_queue_size is None and not config.per_job_type_limits:
            yield
            return
        async with self._adding:
            if config.max_queue_size is not None:
                await self._make_room(str(job_id), config.max_queue_size)
            await self._check_class(str(job_id), str(job_class))
            yield

    async def _make_room(self, job_id: str, most: int) -> None:
        while await self._client.count(Query(queue=QUEUE)) >= most:
            if not self._oldest:
                ended = [(one.finished_at or 0.0, one.id) async for one in self._jobs(ENDED)]
                self._oldest.extend(one for _, one in sorted(ended)[:PAGE])
            if not self._oldest:
                raise _refusal(
                    job_id, f"{most} jobs are known, as many as max_queue_size allows, and none of them has ended"
                )
            await self._forget([self._oldest.popleft()])

    async def _check_class(self, job_id: str, job_class: str) -> None:
        config = self._config()
        path = config.places.registered.get(job_class, job_class)
        name = path.rpartition(".")[2]
        most = config.per_job_type_limits.get(path, config.per_job_type_limits.get(name))
        if most is None:
            return
        if await self._client.count(Query(queue=QUEUE, task=path, states=UNFINISHED)) >= most:
            raise _refusal(job_id, f"{most} jobs of {name} have not ended, as many as per_job_type_limits allows")

    async def _expire(self, now: float) -> int:
        keep = self._config().keep_pending
        if keep is None:
            return 0
        old = Query(queue=QUEUE, states=(State.HELD,), created_before=now - keep)
        found = [record.id async for record in self._jobs((), old)]
        for job_id in found:
            if await self._client.cancel(query=Query(ids=(job_id,), states=(State.HELD,))):
                with suppress(JobNotFound):  # somebody was faster
                    await bury(self._client, await self._client.get(job_id), EXPIRED)
        return len(found)

    async def _forget(self, job_ids: Sequence[str]) -> int:
        gone = 0
        for start in range(0, len(job_ids), PAGE):
            # One that was restarted meanwhile stays.
            query = Query(ids=tuple(job_ids[start : start + PAGE]), states=ENDED)
            gone += await self._client.store.change("delete", query)
        return gone

    async def _jobs(self, states: tuple[State, ...], query: Query | None = None) -> AsyncIterator[JobRecord]:
        if not states and query is None:
            return
        after: int | str | None = None
        while True:
            page = await self._client.find(query or Query(queue=QUEUE, states=states), PAGE, after)
            for record in page.jobs:
                yield record
            if (after := page.after) is None:
                return
            await asyncio.sleep(0)


def _states_to_look_at(config: HostConfig) -> Iterator[State]:
    """Those whose jobs the store does not forget by itself in time."""
    every = config.max_retained_jobs is not None
    if every or (config.keep is not None and config.keep < config.lifetime):
        yield State.SUCCEEDED
    if every or _lifetime(JobStatus.ERROR, config) is not None:
        yield State.DEAD
    if every or {_lifetime(JobStatus.STOPPED, config), _lifetime(JobStatus.DELETED, config)} != {None}:
        yield State.CANCELLED


def _lifetime(status: JobStatus, config: HostConfig) -> float | None:
    own = {
        JobStatus.ERROR: config.keep_failed,
        JobStatus.STOPPED: config.keep_stopped,
        JobStatus.DELETED: config.keep_deleted,
    }.get(status)
    return config.keep if own is None else own


def _refusal(job_id: str, why: str) -> ProcessControlError:
    return ProcessControlError(job_id, "add", RuntimeError(f"{why}; purge or wait for some, or allow more"))
