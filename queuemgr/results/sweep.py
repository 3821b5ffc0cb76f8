"""Cleans up a place: what no job of the store refers to goes, then what is too old or too much. It changes no job."""

from __future__ import annotations

import asyncio
import secrets
from itertools import islice
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError
from queuemgr.job import JobRecord, State
from queuemgr.result import REFERENCE
from queuemgr.store import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from queuemgr.result import Holding, ResultPlace, Results
    from queuemgr.store import Store

EVERY = 50.0
"""Seconds in which one of all workers cleans up."""

TURN, IDENTITY = "queuemgr:results:turn", "queuemgr:results:store"
BATCH = 500


async def sweep(store: Store, place: ResultPlace, settings: Results) -> int:
    """How many bytes went. Raises ConfigError where the place belongs to another store, StoreError."""
    if not await asyncio.to_thread(place.belongs_to, await _identity(store)):
        raise ConfigError(
            f"{place.name} holds the results of another store than {store.url}: give each store a folder of its own, "
            "or delete the file `store` in it if that store is no more"
        )
    holdings = await asyncio.to_thread(lambda: list(place.holdings()))
    needed: list[tuple[float, Holding]] = []
    useless: list[Holding] = []
    for batch in _batches(holdings):
        records = await _records(store, batch)
        for holding in batch:
            job = records.get(holding.owner.job) if holding.owner is not None else None
            if _is_needed(holding, job):
                ended = job.finished_at if job is not None else None
                needed.append((float("inf") if ended is None else ended, holding))
            else:
                useless.append(holding)
    useless += _over(needed, settings, store.clock.now())
    return await asyncio.to_thread(place.release, useless) if useless else 0


async def _identity(store: Store) -> str:
    mine = secrets.token_hex(16).encode()
    await store.key_put_if_absent(IDENTITY, mine)
    return (await store.key_get(IDENTITY) or mine).decode()


async def _records(store: Store, batch: Sequence[Holding]) -> dict[str, JobRecord]:
    ids = tuple({holding.owner.job for holding in batch if holding.owner is not None})
    if not ids:
        return {}
    return {job.id: job for job in (await store.find(Query(ids=ids), limit=len(ids))).jobs}


def _is_needed(holding: Holding, job: JobRecord | None) -> bool:
    """Whether its run goes on, or ended with it."""
    if job is None or holding.owner is None or job.attempt != holding.owner.attempt:
        return False
    if job.state is State.RUNNING:
        return True
    return job.state.finished and holding.digest is not None and job.result_size == REFERENCE


def _over(needed: list[tuple[float, Holding]], settings: Results, now: float) -> Iterator[Holding]:
    """What is too old, then the oldest of what is too much. Bytes that several runs hold count once."""
    holders: dict[str, int] = {}
    total = 0
    for _, holding in needed:
        if holding.digest is not None:
            total += holding.stored if holding.digest not in holders else 0
            holders[holding.digest] = holders.get(holding.digest, 0) + 1
    for ended, holding in sorted(needed, key=lambda one: one[0]):
        old = settings.keep is not None and ended + settings.keep <= now
        much = settings.quota is not None and total > settings.quota and ended <= now
        if holding.digest is not None and (old or much):
            holders[holding.digest] -= 1
            total -= holding.stored if not holders[holding.digest] else 0
            yield holding


def _batches(holdings: Iterable[Holding]) -> Iterator[list[Holding]]:
    rest = iter(holdings)
    while batch := list(islice(rest, BATCH)):
        yield batch
