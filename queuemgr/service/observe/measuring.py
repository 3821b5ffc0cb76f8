"""Measures: what stands in the store now, and what its workers told of a stretch of time. It writes nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

import msgspec

from queuemgr.errors import Unsupported
from queuemgr.job import State
from queuemgr.tally import MINUTE, OTHER, Count, Told, minute_key

from .sample import Gauges, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.store import QueueInfo, Store

log = logging.getLogger("queuemgr.observe")

MOST_QUEUES, MOST_TOTALS = 100, 200
"""So many queues, and pairs of queue and task, are kept apart; the rest is added up under one name."""

AT_ONCE = 100

K = TypeVar("K")


class Reader:
    """What workers told of each minute. What was read once is remembered for a few minutes: it does not change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, dict[int, Told]] = {}

    async def of(self, minute: int) -> list[Told]:
        known = self._known.setdefault(minute, {})
        try:
            counter = await self._store.key_get(minute_key(minute))
        except Unsupported:
            return []
        missing = [number for number in range(1, int(counter or 0) + 1) if number not in known]
        texts = await read_many(self._store, [f"{minute_key(minute)}:{number}" for number in missing])
        for number, text in zip(missing, texts, strict=True):
            if text is not None and (told := _told(text)) is not None:
                known[number] = told
        for old in [one for one in self._known if one < minute - 15]:
            del self._known[old]
        return list(known.values())


async def measure_now(client: AsyncClient, reader: Reader | None = None) -> Sample:
    """The last minute as it is at this moment."""
    now = client.clock.now()
    reader = reader or Reader(client.store)
    minute = int(now) // MINUTE
    told = [one for at in (minute - 1, minute) for one in await reader.of(at) if one.at > now - MINUTE]
    return await _with_gauges(client, counted_from(told, now - MINUTE))


async def measure_minute(client: AsyncClient, reader: Reader, minute: int, *, look: bool) -> Sample:
    """What ended in that minute; with `look` also what stands in the store at this moment."""
    sample = counted_from(await reader.of(minute), float(minute * MINUTE))
    return await _with_gauges(client, sample) if look else sample


def counted_from(told: Sequence[Told], start: float) -> Sample:
    """What workers told, added up over a minute; `totals` are those of that minute alone."""
    counts: dict[str, Count] = {}
    totals: dict[tuple[str, str], Count] = {}
    newest: dict[str, Told] = {}
    for one in told:
        if one.worker not in newest or newest[one.worker].at < one.at:
            newest[one.worker] = one
        for queue, task, count in one.rows:
            _bounded(counts, queue, MOST_QUEUES, OTHER).add(count)
            _bounded(totals, (queue, task), MOST_TOTALS, (OTHER, OTHER)).add(count)
    return Sample(
        start=start,
        seconds=float(MINUTE),
        counts=counts,
        busy=sum(one.busy for one in told),
        capacity=sum(one.slots * one.seconds for one in told),
        memory=float(sum(one.memory for one in newest.values())) if newest else None,
        totals=rows_of(totals),
    )


def add_totals(
    first: Iterable[tuple[str, str, Count]], second: Iterable[tuple[str, str, Count]]
) -> list[tuple[str, str, Count]]:
    """Both together, as new counts; beyond the bound what is new goes under one name."""
    totals: dict[tuple[str, str], Count] = {}
    for queue, task, count in (*first, *second):
        _bounded(totals, (queue, task), MOST_TOTALS, (OTHER, OTHER)).add(count)
    return rows_of(totals)


def rows_of(totals: dict[tuple[str, str], Count]) -> list[tuple[str, str, Count]]:
    return [(queue, task, count) for (queue, task), count in totals.items()]


async def read_many(store: Store, keys: Sequence[str]) -> list[bytes | None]:
    """The values of many keys, some of them asked for at the same time."""
    values: list[bytes | None] = []
    for start in range(0, len(keys), AT_ONCE):
        values += await asyncio.gather(*(store.key_get(key) for key in keys[start : start + AT_ONCE]))
    return values


async def _with_gauges(client: AsyncClient, sample: Sample) -> Sample:
    now = client.clock.now()
    queues = await client.queues()
    alive = [worker for worker in await client.workers() if worker.alive]
    gauges: dict[str, Gauges] = {}
    for info in queues:
        _add_gauges(_bounded_gauges(gauges, info.name), info, now)
    sample.gauges = gauges
    sample.workers = float(len(alive))
    if not sample.capacity and (slots := sum(worker.concurrency for worker in alive)):
        # Its workers have told nothing yet: what runs at this moment stands for the whole.
        sample.capacity = float(slots)
        sample.busy = min(float(slots), sum(one.running for one in gauges.values()))
    return sample


def _add_gauges(gauges: Gauges, info: QueueInfo, now: float) -> None:
    gauges.queued += info.counts.get(State.READY, 0) + info.counts.get(State.PARKED, 0)
    gauges.scheduled += info.counts.get(State.SCHEDULED, 0)
    gauges.running += info.counts.get(State.RUNNING, 0)
    gauges.dead += info.counts.get(State.DEAD, 0)
    if info.oldest_ready is not None:
        gauges.oldest = max(gauges.oldest, now - info.oldest_ready)


def _bounded_gauges(gauges: dict[str, Gauges], name: str) -> Gauges:
    return gauges.setdefault(name if name in gauges or len(gauges) < MOST_QUEUES else OTHER, Gauges())


def _bounded(counts: dict[K, Count], key: K, most: int, other: K) -> Count:
    return counts.setdefault(key if key in counts or len(counts) < most else other, Count())


def _told(text: bytes) -> Told | None:
    try:
        return msgspec.json.decode(text, type=Told)
    except msgspec.MsgspecError as error:
        log.warning("what a worker told is left out, because it cannot be read: %s", error)
        return None
