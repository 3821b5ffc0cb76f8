"""Changes of many jobs, each carried out once for the key that its sender gave it, and what is known of them meanwhile.

It changes no job itself, and counts none.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import StoreError
from queuemgr.service.failures import CutOff, NotFound

from .idempotency import REMEMBERED, Claim, claimed, place_of, replayed
from .problems import KIND, document_of
from .request import JSON, as_json, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.desk import Desk, Visitor, Work
    from queuemgr.service.facts import Facts
    from queuemgr.service.told import ChangeShown

    from .request import Response

log = logging.getLogger(__name__)

LASTING = frozenset({"jobs.change", "jobs.change_matching", "jobs.prioritise", "queues.drain"})
"""Operations that may take longer than a proxy waits."""

BEAT = 5.0
"""Seconds after which a change that is under way says so again."""

SILENT = 60.0
"""Seconds without a word after which it is taken for cut off."""

LOOK = 0.25
"""Seconds between two looks for the end of a change of another request."""


class Ended(msgspec.Struct, frozen=True):
    """What the first request was answered, or would have been."""

    status: int
    answer: dict[str, Any]


class Changes:
    """They may be carried out by any process over the same store."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.client.store
        self._here: dict[str, float] = {}

    async def once(self, name: str, arguments: Mapping[str, Any], visitor: Visitor, key: str) -> Response:
        """Begins it for the first request with that key, and waits for its end for every other one.

        Raises Misused, KeyReused, and for the first one what the operation raises.
        """
        client, place = self._desk.client, place_of(visitor.name, key)
        claim, first = await claimed(client, place, encode([name, arguments]), client.clock.now())
        if first:
            return as_json(await self._begun(name, arguments, visitor, place, claim), headers=replayed(again=False))
        while (ended := await self._end(place, claim)) is None:
            await asyncio.sleep(LOOK)
        kind = JSON if ended.status < 400 else KIND
        return as_json(ended.answer, ended.status, kind, replayed(again=True))

    async def show(self, visitor: Visitor, key: str) -> ChangeShown:
        """How it stands with the change of that key of the same visitor. Raises Misused, NotFound."""
        place, now = place_of(visitor.name, key), self._desk.client.clock.now()
        if (began_at := self._here.get(place)) is not None:
            return {"at": now, "began_at": began_at, "ended": False, "status": None, "answer": None}
        data = await self._store.key_get(place)
        claim = None if data is None else msgspec.json.decode(data, type=Claim)
        if claim is None or not claim.at:
            raise NotFound(
                f"{visitor.name} has asked for no change with this Idempotency-Key within {REMEMBERED / 3600:g} hours",
                "nothing was changed for it: send the request",
            )
        ended = await self._end(place, claim)
        status, answer = (None, None) if ended is None else (ended.status, ended.answer)
        return {"at": now, "began_at": claim.at, "ended": ended is not None, "status": status, "answer": answer}

    async def _begun(
        self, name: str, arguments: Mapping[str, Any], visitor: Visitor, place: str, claim: Claim
    ) -> Facts:
        begun = False

        async def around(work: Work) -> Facts:
            nonlocal begun
            begun = True
            return await self._keeping(place, claim, work)

        try:
            return await self._desk.ask(name, arguments, visitor, around=around)
        finally:
            if not begun:  # it was refused: the key is free
                await self._store.key_remove_if(place, encode(claim))

    async def _keeping(self, place: str, claim: Claim, work: Work) -> Facts:
        """What `work` answers. How it ended is put down, also where whoever asked has gone."""
        self._here[place] = claim.at
        beating = asyncio.create_task(self._beat(place))
        try:
            answer = await work()
        except Exception as error:
            document = document_of(error)
            await self._put(place, Ended(document["status"], document))
            raise
        else:
            await self._put(place, Ended(200, answer))
            return answer
        finally:
            beating.cancel()
            del self._here[place]

    async def _put(self, place: str, ended: Ended) -> None:
        try:
            await self._store.key_put_if_absent(f"{place}:answer", encode(ended), REMEMBERED)
        except StoreError as error:
            log.warning("how a change ended could not be written down: %s", error)

    async def _beat(self, place: str) -> None:
        """The key holds the second of the last beat."""
        last = 0
        while True:
            await asyncio.sleep(BEAT)
            now = int(self._desk.client.clock.now())
            with suppress(StoreError):
                await self._store.key_add(f"{place}:beat", now - last, REMEMBERED)
                last = now

    async def _end(self, place: str, claim: Claim) -> Ended | None:
        """None while it is under way."""
        if place in self._here:
            return None
        if (data := await self._store.key_get(f"{place}:answer")) is not None:
            return msgspec.json.decode(data, type=Ended)
        heard = max(claim.at, float(await self._store.key_get(f"{place}:beat") or 0))
        if self._desk.client.clock.now() - heard < SILENT:
            return None
        told = f"nothing was heard of this change for {SILENT:g} s: its server ended, and what is changed stays changed"
        document = document_of(CutOff(told, "see how many are left, and ask with a new key to have them changed"))
        return Ended(document["status"], document)
