"""Which of the jobs that wait a worker takes, which are dead, and which stay for others. It speaks to no server."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from queuemgr.errors import UndecodableError
from queuemgr.job import Lease, State

from .payload import Payload, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .format import Laravel


P = TypeVar("P")

STOPPED = "cancelled while running"
EVERY = "*"
"""Among the tasks of a claim: whatever job there is, under the most exact of its names."""

log = logging.getLogger("queuemgr.laravel")


class Picked(msgspec.Struct, frozen=True):
    """A job that this worker may have: as it stands in the list, and as it stands while it is reserved."""

    waiting: bytes
    reserved: bytes
    lease: Lease

    @property
    def field(self) -> str:
        return field_of(self.lease)

    @property
    def change(self) -> bytes:
        """How `waiting` becomes `reserved`, as scripts/take.lua reads it."""
        stays = len(self.waiting) - 1
        if self.reserved[stays : stays + 1] == b"," and self.reserved.startswith(self.waiting[:stays]):
            return self.reserved[stays:]
        return self.reserved


@dataclass(frozen=True, slots=True)
class Grave:
    """A job that no worker can run: as it stands in the list, how it is kept, and the task and key that it frees."""

    waiting: bytes
    id: str
    body: bytes
    reason: bytes
    lock: tuple[str, str] | None = None


@dataclass(slots=True)
class Picking:
    """Goes through what waits in one queue.

    `suspect` says whether the worker may take a job that crashed before; `running` are the ids that it has already.
    """

    dialect: Laravel
    queue: str
    tasks: frozenset[str]
    now: float
    count_crashes: bool
    suspect: bool
    running: set[str]
    picked: list[Picked] = field(default_factory=list)
    graves: list[Grave] = field(default_factory=list)

    def look_at(self, waiting: Iterable[bytes], most: int) -> None:
        for raw in waiting:
            if len(self.picked) >= most:
                return
            try:
                found = self.consider(parse(raw))
            except UndecodableError as error:
                why = reason(State.DEAD, "undecodable", str(error), self.now)
                found = Grave(raw, unread_id(raw), raw, why)
            match found:
                case Picked():
                    self.picked.append(found)
                case Grave():
                    self.graves.append(found)

    def consider(self, payload: Payload) -> Picked | Grave | None:
        """What is to be done with one job; None: it stays for others. Raises UndecodableError."""
        task = payload.names[0] if EVERY in self.tasks else self._known(payload)
        if task is None:
            return None
        marker, job_id = payload.marker, payload.id
        options, over = self.dialect.wishes(payload, self.now)
        if over is not None:
            kept = payload.changed(marker=marker.at_rest())
            past = {"claims": marker.claims, "attempts": payload.attempts, "crashes": marker.crashes}
            why = reason(State.DEAD, "failed", over, self.now, **past)
            lock = None if marker.lock is None else (task, marker.lock)
            return Grave(payload.raw, job_id, kept, why, lock)
        if (marker.crashes and not self.suspect) or job_id in self.running:
            return None
        contents = self.dialect.contents(payload)
        if contents.obstacle is not None:
            _tell_once(task, contents.obstacle)
            return None
        self.suspect = self.suspect and not marker.crashes
        self.running.add(job_id)
        lease = Lease(
            key=0,
            id=job_id,
            task=task,
            queue=self.queue,
            attempt=max(marker.claims, payload.attempts) + 1,
            failures=payload.attempts,
            crashes=marker.crashes,
            at_most_once=marker.once,
            options=options,
            args=contents.args,
            started_at=self.now,
            unique=True,
        )
        return Picked(payload.raw, reserve(payload, lease, self.count_crashes), lease)

    def leave(self, picked: Picked, obstacle: str) -> None:
        """It stays after all, because of this."""
        self.running.discard(picked.lease.id)
        self.suspect = self.suspect or bool(picked.lease.crashes)
        _tell_once(picked.lease.task, obstacle)

    def _known(self, payload: Payload) -> str | None:
        return next((name for name in payload.names if name in self.tasks), None)


@lru_cache(maxsize=1000)
def _tell_once(task: str, obstacle: str) -> None:
    log.warning("jobs of %s are left to Laravel's own workers: %s", task, obstacle)


def reserve(payload: Payload, lease: Lease, count_crashes: bool) -> bytes:
    """The payload while it is reserved. No two reservations of one job are the same, so that none is taken for another.

    A crash is written down before it can happen. Whether it uses up one of Laravel's attempts is the store's setting.
    """
    counted = count_crashes or lease.at_most_once
    marker = replace(payload.marker, claims=lease.attempt, crashes=lease.crashes + 1)
    return payload.changed(attempts=payload.attempts + counted, marker=marker)


@lru_cache(maxsize=8)
def needles_of(tasks: frozenset[str]) -> tuple[bytes, ...]:
    """The names of the tasks as they stand in a payload."""
    if EVERY in tasks:
        return (b"",)
    return tuple(msgspec.json.encode(name)[1:-1] for name in sorted(tasks))


def field_of(lease: Lease) -> str:
    return f"{lease.attempt} {lease.id}"


def too_large(most: int, now: float) -> bytes:
    return reason(
        State.DEAD, "undecodable", f"it is larger than {most:,} bytes, the max_payload of the store's URL", now
    )


def unread_id(raw: bytes) -> str:
    return f"unread-{hashlib.sha1(raw, usedforsecurity=False).hexdigest()}"


def reason(state: State, word: str, message: str, now: float, **more: Any) -> bytes:
    """Why a job is among the dead, as it is kept beside its payload."""
    told = {"state": state, "word": word, "reason": message, "at": now, **more}
    try:
        return msgspec.json.encode(told)
    except UnicodeEncodeError:
        sound = {name: value for name, value in told.items() if not isinstance(value, (str, dict))}
        return msgspec.json.encode({**sound, "reason": message.encode(errors="replace").decode()})


def shared_out(picks: Sequence[tuple[str, int, list[P]]], limit: int) -> list[tuple[str, list[P]]]:
    """First each queue its share; then what is left over to whoever has work."""
    counts, left = [], limit
    for _, share, picked in picks:
        counts.append(min(share, len(picked), left))
        left -= counts[-1]
    for place, (_, _, picked) in enumerate(picks):
        more = min(len(picked) - counts[place], left)
        counts[place] += more
        left -= more
    return [(name, picked[:count]) for (name, _, picked), count in zip(picks, counts, strict=True)]
