"""Enqueues once, however often the same request arrives: by the key that its sender gave it. It knows no tasks.

Changes of many jobs are next door, in changes.py.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.client import AsyncClient
from queuemgr.errors import JobExists, JobNotFound
from queuemgr.job import new_id
from queuemgr.service.facts import job_facts
from queuemgr.service.failures import Misused
from queuemgr.task import Call

from .problems import KeyReused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from queuemgr.handle import AsyncHandle
    from queuemgr.service.facts import Facts

HEADER = "idempotency-key"
REMEMBERED = 24 * 3600.0
"""Seconds for which a key is remembered."""

LONGEST = 255


class Claim(msgspec.Struct, frozen=True):
    """The first request with a key: what it asked for, and the id that its job has in any case.

    `at` is when a change was asked for, 0 where it was a job.
    """

    asked: str
    job_id: str
    at: float = 0.0


class Numbered(AsyncClient):
    """Gives the one job that it enqueues an id chosen before: a store takes each id once only."""

    def __init__(self, client: AsyncClient, job_id: str) -> None:
        super().__init__(lambda: client.store, client.codec)
        self._job_id = job_id

    async def enqueue_many(self, calls: Iterable[Call[Any]], connection: Any = None) -> list[AsyncHandle[Any]]:
        numbered: list[Call[Any]] = [Call(msgspec.structs.replace(call.job, id=self._job_id)) for call in calls]
        return await super().enqueue_many(numbered, connection)


async def once(
    client: AsyncClient, who: str, key: str, body: bytes, work: Callable[[AsyncClient], Awaitable[Facts]]
) -> tuple[Facts, bool]:
    """The answer, and whether it was given before. Raises Misused, KeyReused and what the work raises."""
    place = place_of(who, key)
    claim, _ = await claimed(client, place, body)
    if (known := await _known(client, place, claim)) is not None:
        return known, True
    try:
        answer = await work(Numbered(client, claim.job_id))
    except JobExists as error:
        if error.job_id == claim.job_id and (known := await _known(client, place, claim)) is not None:
            return known, True
        await _forget(client, place, claim)
        raise
    except Exception:
        await _forget(client, place, claim)
        raise
    await client.store.key_put_if_absent(f"{place}:answer", msgspec.json.encode(answer), REMEMBERED)
    return answer, False


def place_of(who: str, key: str) -> str:
    """Where the store keeps what is known of a key. Raises Misused."""
    if len(key) > LONGEST:
        raise Misused(f"the Idempotency-Key has {len(key)} characters, at most {LONGEST} are taken")
    return f"queuemgr.idempotency:{sha256(f'{who} {key}'.encode()).hexdigest()[:40]}"


async def claimed(client: AsyncClient, place: str, asked: bytes, at: float = 0.0) -> tuple[Claim, bool]:
    """The claim of the first request with that key, and whether this is the first. Raises KeyReused."""
    mine = Claim(sha256(asked).hexdigest(), new_id(), at)
    first = await client.store.key_put_if_absent(place, msgspec.json.encode(mine), REMEMBERED)
    claim = msgspec.json.decode(await client.store.key_get(place) or msgspec.json.encode(mine), type=Claim)
    if claim.asked != mine.asked:
        raise KeyReused("this Idempotency-Key was used for another request", "take a new key for each new request")
    return claim, first


def replayed(*, again: bool) -> tuple[tuple[str, str], ...]:
    """The headers that say whether the answer was given before."""
    return (("idempotency-replayed", "true" if again else "false"),)


async def _known(client: AsyncClient, place: str, claim: Claim) -> Facts | None:
    """What was answered before; where that was cut off, what is known of the job."""
    data = await client.store.key_get(f"{place}:answer")
    if data is not None:
        answer: Facts = msgspec.json.decode(data)
        return answer
    try:
        record = await client.get(claim.job_id)
    except JobNotFound:
        return None
    return {
        "id": record.id,
        "existing": False,
        "job": job_facts(record, client.clock.now()),
        "obstacles": [],
    }


async def _forget(client: AsyncClient, place: str, claim: Claim) -> None:
    """The same request may be tried anew."""
    with suppress(JobNotFound):
        await client.get(claim.job_id)
        return
    await client.store.key_remove_if(place, msgspec.json.encode(claim))
