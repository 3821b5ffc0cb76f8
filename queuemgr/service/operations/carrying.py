"""Carries large results from the place beside one store into that beside another. What is there already is passed over.

It moves no job, and takes nothing away.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from secrets import token_hex
from typing import TYPE_CHECKING

from queuemgr.errors import StoreUnavailable
from queuemgr.result import REFERENCE, Holding, Owner, Reference, Results
from queuemgr.results.opening import place_of
from queuemgr.store import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from queuemgr.job import JobRecord
    from queuemgr.result import ResultPlace
    from queuemgr.store import Snapshot, Store

CHUNK = 1 << 20
BATCH = 500


@dataclass(frozen=True, slots=True)
class Carried:
    """`source` are the large results that the one place has for jobs of its store, `target` those of them that the
    other place has now.
    """

    source: int
    target: int
    digests: frozenset[str]

    def absent(self, page: Iterable[Snapshot]) -> int:
        """How many of these jobs have a large result that the source has not, at least not in its own place."""
        references = (Reference.read(one.result) for one in page)
        return sum(reference is not None and reference.digest not in self.digests for reference in references)


async def carry_results(source: Store, target: Store, told: Callable[[str, int, int], None]) -> Carried:
    """Raises StoreError. What is damaged in the source is left there."""
    here, there = place_of(source, Results()), place_of(target, Results())
    needed = [] if here is None or there is None else await _needed(source, here)
    if here is None or there is None or not needed:
        return Carried(0, 0, frozenset())
    held = await asyncio.to_thread(_held, there)
    for done, (owner, digest) in enumerate(needed, 1):
        if (owner, digest) not in held:
            await asyncio.to_thread(_carry, here, there, owner, digest)
        told("results", done, len(needed))
    held = await asyncio.to_thread(_held, there)
    return Carried(len(needed), sum(one in held for one in needed), frozenset(digest for _, digest in needed))


async def _needed(store: Store, place: ResultPlace) -> list[tuple[Owner, str]]:
    holdings = iter(await asyncio.to_thread(lambda: list(place.holdings())))
    needed: list[tuple[Owner, str]] = []
    while batch := list(islice(holdings, BATCH)):
        jobs = await _jobs(store, batch)
        for holding in batch:
            owner, digest = holding.owner, holding.digest
            if owner is not None and digest is not None and _needs(jobs.get(owner.job), owner):
                needed.append((owner, digest))
    return needed


async def _jobs(store: Store, batch: Sequence[Holding]) -> dict[str, JobRecord]:
    ids = tuple({holding.owner.job for holding in batch if holding.owner is not None})
    return {job.id: job for job in (await store.find(Query(ids=ids), len(ids))).jobs} if ids else {}


def _needs(job: JobRecord | None, owner: Owner) -> bool:
    return job is not None and job.state.finished and job.attempt == owner.attempt and job.result_size == REFERENCE


def _held(place: ResultPlace) -> set[tuple[Owner | None, str | None]]:
    return {(holding.owner, holding.digest) for holding in place.holdings()}


def _carry(here: ResultPlace, there: ResultPlace, owner: Owner, digest: str) -> None:
    # Under a name of its own first, because another copy may be at the same result.
    mine = Owner(f"copy {token_hex(8)}", 0)
    if not _bring(here, there, mine, digest):
        return
    try:
        _hold(there, owner, digest)
    finally:
        there.release([Holding(mine, digest, 0)])


def _bring(here: ResultPlace, there: ResultPlace, owner: Owner, digest: str) -> bool:
    """Whether the bytes are whole, and there now."""
    try:
        source = here.open(digest)
    except KeyError:
        return False
    draft = there.draft(owner)
    try:
        known, offset = sha256(), 0
        while data := source.read(offset, CHUNK):
            draft.write(data)
            known.update(data)
            offset += len(data)
        whole = known.hexdigest() == digest
        if whole:
            draft.keep(digest)
    finally:
        draft.discard()
        source.close()
    return whole


def _hold(place: ResultPlace, owner: Owner, digest: str) -> None:
    """One holder more of bytes that are there."""
    draft = place.draft(owner)
    try:
        draft.keep(digest)
    except StoreUnavailable:
        if (owner, digest) not in _held(place):
            raise
    finally:
        draft.discard()
