"""Copies a store into another one: jobs with all that belongs to them, large results, schedules, paused queues.

Killed at any moment it goes on where it was when it is called again. Of the source it changes no more than any worker's
look does: what dead workers held is given back.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from queuemgr.liveness import this_host
from queuemgr.service.facts import Facts
from queuemgr.service.failures import Misused, NotAllowed
from queuemgr.store import Claim

from .addresses import shown
from .carrying import Carried, carry_results
from .comparing import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.store import Snapshot, Store, WorkerInfo

PAGE = 500
REMEMBERED = 7 * 86400.0
"""Seconds for which a target remembers how far a copy came that was cut off."""


async def copy_store(source: AsyncClient, target: AsyncClient, told: Callable[[str, int, int], None]) -> Facts:
    """{"from", "to", "copied", "resumed", "results", "schedules", "paused"} and the facts of a Comparison.

    "copied" are the jobs that this call took over, "resumed" is true if it went on where another was cut off. "results"
    counts large ones: {"from", "to", "absent"}, the last of which were not in the source's own place. `told` hears what
    is done at the moment, how many jobs are done, and how many there are.
    Raises Misused where both are the same store, NotAllowed while workers live in one of them.
    """
    origin, goal = source.store, target.store
    await _require_two(origin, goal)
    for store in (origin, goal):
        await _require_rest(store)
    await _take_back_from_the_dead(origin)
    paused = await _copy_paused(origin, goal)
    tally = await _Passage(origin, goal, told).carry_over()
    schedules = await _copy_schedules(origin, goal)
    for store in (origin, goal):
        await _require_rest(store, "they began after the copy did, and a job may run twice")
    return {
        "from": shown(origin),
        "to": shown(goal),
        "copied": tally.copied,
        "resumed": tally.resumed,
        **tally.comparison.facts,
        "equal": tally.comparison.facts["equal"] and tally.carried.source == tally.carried.target,
        "results": {"from": tally.carried.source, "to": tally.carried.target, "absent": tally.absent},
        "schedules": schedules,
        "paused": paused,
    }


@dataclass(frozen=True, slots=True)
class _Tally:
    copied: int
    resumed: bool
    comparison: Comparison
    carried: Carried
    absent: int


class _Passage:
    """The way of all jobs from one store to the other."""

    def __init__(self, source: Store, target: Store, told: Callable[[str, int, int], None]) -> None:
        self._source = source
        self._target = target
        self._told = told
        self._mark = _Mark(target, source.url)
        self._carried = Carried(0, 0, frozenset())
        self._absent = 0

    async def carry_over(self) -> _Tally:
        """Everything that follows the mark; once more from the beginning if that was not all."""
        after = await self._mark.read()
        # They go first: no job is ever there without its result.
        self._carried = await carry_results(self._source, self._target, self._told)
        copied = await self._carry(after)
        comparison = await compare(self._source, self._target, self._told)
        if comparison.missing:
            copied += await self._carry(None)
            comparison = await compare(self._source, self._target, self._told)
        # A clean-up may have taken what had no job there yet.
        self._carried = await carry_results(self._source, self._target, self._told)
        await self._mark.forget()
        return _Tally(copied, after is not None, comparison, self._carried, self._absent)

    async def _carry(self, after: int | str | None) -> int:
        total = sum(sum(queue.counts.values()) for queue in await self._source.queues())
        copied, done, self._absent = 0, 0, 0
        async for page, place in _pages(self._source, after):
            copied += await self._target.restore(page)
            self._absent += self._carried.absent(page)
            await self._mark.put(place)
            done += len(page)
            self._told("copying", done, max(done, total))
        return copied


async def _pages(source: Store, after: int | str | None) -> AsyncIterator[tuple[Sequence[Snapshot], int | str | None]]:
    page, place = await source.dump(after, PAGE)
    while page:
        yield page, place
        if place is None:
            return
        page, place = await source.dump(place, PAGE)


class _Mark:
    """How far a copy came, kept in the target under the name of the source."""

    def __init__(self, target: Store, source: str) -> None:
        self._store = target
        self._key = f"queuemgr.copy:{sha256(source.encode()).hexdigest()[:32]}"
        self._value: bytes | None = None

    async def read(self) -> int | str | None:
        self._value = await self._store.key_get(self._key)
        return None if self._value is None else msgspec.json.decode(self._value, type=int | str)

    async def put(self, place: int | str | None) -> None:
        # Killed between the two it is forgotten, and the copy begins again: that costs time only.
        await self.forget()
        if place is not None:
            self._value = msgspec.json.encode(place)
            await self._store.key_put_if_absent(self._key, self._value, REMEMBERED)

    async def forget(self) -> None:
        if self._value is not None:
            await self._store.key_remove_if(self._key, self._value)
            self._value = None


async def _require_two(source: Store, target: Store) -> None:
    """Raises Misused if what is written into one can be read in the other."""
    key = f"queuemgr.copy:{uuid4().hex}"
    await target.key_put_if_absent(key, b"1", 60.0)
    same = await source.key_get(key) is not None
    await target.key_remove_if(key, b"1")
    if same:
        raise Misused(f"{shown(source)} and {shown(target)} are one and the same store", "name two different stores")


async def _require_rest(store: Store, why: str = "") -> None:
    """Raises NotAllowed while workers live in the store."""
    alive = [worker for worker in await store.workers() if worker.alive]
    if not alive:
        return
    names = ", ".join(_described(worker) for worker in alive[:5]) + (" and more" if len(alive) > 5 else "")
    told = why or "a job that runs while it is copied would run twice"
    raise NotAllowed(
        f"workers live in {shown(store)}: {names}; {told}",
        "stop every `queuemgr worker` there (Ctrl-C, SIGTERM, or your process manager), then copy again",
    )


def _described(worker: WorkerInfo) -> str:
    where = "on this machine" if worker.host == this_host() else "on another machine"
    return f"{worker.name or worker.id} (process {worker.pid} {where})"


async def _take_back_from_the_dead(source: Store) -> None:
    """What dead workers held is judged by the source, which knows how they ended."""
    await source.claim(Claim(worker="", queues=(), limit=0, tasks=frozenset()))


async def _copy_schedules(source: Store, target: Store) -> int:
    """Those that the target does not have yet, at the moment at which they are due next; how many the source has."""
    known = {info.schedule.name for info in await target.schedules()}
    infos = await source.schedules()
    for info in infos:
        if info.schedule.name not in known:
            await target.put_schedule(info.schedule, info.next_at)
    return len(infos)


async def _copy_paused(source: Store, target: Store) -> list[str]:
    """What was set for queues; the names of those that are paused."""
    paused = [queue.name for queue in await source.queues() if queue.paused]
    for name in paused:
        await target.pause(name)
    for queue in await source.queues():
        if queue.limit is not None:
            await target.limit(queue.name, queue.limit)
    return paused
