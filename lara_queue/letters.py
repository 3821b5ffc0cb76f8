"""The dead letters of a queue: jobs that used up their attempts, and what an older version left in its own list.

They are kept in the store beside the queue, where `queuemgr jobs list` shows them, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import State
from queuemgr.store import Query

if TYPE_CHECKING:
    from queuemgr.dialects.laravel.store import LaravelStore
    from queuemgr.dialects.laravel.why import Why

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Letters:
    """`older` is the name of the list in which the older version kept them."""

    store: LaravelStore
    queue: str
    older: str
    max_retries: int

    async def first(self, limit: int) -> list[dict[str, Any]]:
        """The newest first; what the older version left comes last."""
        if limit < 1:
            return []
        dead = await self.store.dead(self.queue, limit)
        found = [self._letter(*one) for one in dead if one[2].state is State.DEAD]
        if len(found) < limit:
            kept = await self.store.kept_in_list(self.older, limit - len(found))
            found += [_older_letter(raw) for raw in kept]
        return found

    async def send_back(self, letter: dict[str, Any]) -> bool:
        """Once: False where it has been sent back or cleared already."""
        if isinstance(job_id := letter.get("id"), str):
            dead = Query(ids=(job_id,), queue=self.queue, states=(State.DEAD,))
            return bool(await self.store.change("retry", dead))
        for raw in await self.store.kept_in_list(self.older, PAGE):
            if _older_letter(raw) == letter and isinstance(letter.get("original_job"), dict):
                job = {**letter["original_job"], "attempts": 0}
                return await self.store.resend(self.queue, self.older, raw, msgspec.json.encode(job))
        return False

    async def clear(self) -> int:
        """How many there were."""
        gone = await self.store.change("delete", Query(queue=self.queue, states=(State.DEAD,)))
        return gone + await self.store.clear_list(self.older)

    def _letter(self, job_id: str, body: bytes, why: Why) -> dict[str, Any]:
        error = why.error or {}
        kind = str(error.get("type", why.word)).rpartition(".")[2]
        return {
            "id": job_id,
            "original_job": _decoded(body),
            "error": {"type": kind, "message": error.get("message") or why.reason, "timestamp": why.at},
            "reason": why.reason,
            "retry_count": why.attempts or 0,
            "max_retries": self.max_retries,
            "failed_at": why.at,
            "queue": self.queue,
        }


def _older_letter(raw: bytes) -> dict[str, Any]:
    letter = _decoded(raw)
    unread = {"original_job": letter, "error": {"type": "", "message": "", "timestamp": 0.0}}
    return letter if isinstance(letter, dict) and "original_job" in letter else unread


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace")
