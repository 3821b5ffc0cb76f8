"""What a verdict means for a reserved job: where it goes, with which bytes, and what is sent after it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from queuemgr.errors import UndecodableError
from queuemgr.job import State

from . import command
from .payload import Payload, parse
from .picking import STOPPED, field_of, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import Lease
    from queuemgr.store import Settlement

    from .format import Laravel
    from .keys import Keys, QueueKeys
    from .link import Run

# A lock, a chain that is not empty, or something encrypted: nothing else in a command concerns the end of its job.
_HOLDS_MORE = re.compile(r'unique(?:Id|For)"|chained";(?!a:0:|N;)|^(?!O:)')


@dataclass(frozen=True, slots=True)
class Settling:
    """Turns settlements into calls of the script that carries them out."""

    dialect: Laravel
    keys: Keys
    count_crashes: bool

    def run(self, settlement: Settlement, reserved: bytes) -> Run:
        lease, state, now = settlement.lease, settlement.verdict.state, settlement.ended_at
        payload = parse(reserved)
        what, moment, body, why = self.end(settlement, payload)
        queue = self.keys.queue(lease.queue)
        keys = [*_keys(queue, settlement.worker)]
        arguments: list[Any] = [field_of(lease), reserved, lease.id, what, moment, body, why, "", repr(now)]
        opened = self.opened(payload) if state.finished else None
        if (lock := self.lock(payload, opened, lease)) is not None:
            keys.append(lock[0])
            arguments[7] = lock[1]
        if state is State.SUCCEEDED and opened is not None:
            self._follow(opened, now, lease.queue, keys, arguments)
        return "settle", keys, arguments

    def is_plain(self, settlement: Settlement, reserved: bytes) -> bool:
        """Whether the job is done and leaves nothing behind: no lock to free, nothing to send after it."""
        return settlement.verdict.state is State.SUCCEEDED and not _may_hold_more(reserved)

    def finish(self, queue: str, worker: str, ended: Sequence[Lease]) -> Run:
        """The ends of plain jobs together."""
        keys = self.keys.queue(queue)
        return "finish", [keys.reserved, keys.held(worker), keys.cancel], [field_of(lease) for lease in ended]

    def give_back(self, queue: str, worker: str, field: str, reserved: bytes, now: float) -> Run | None:
        """A worker leaves in peace: nothing has happened to the job. None for one that has had its only run."""
        payload = parse(reserved)
        if payload.marker.once:
            return None
        failures = payload.attempts - self.count_crashes
        body = _kept(payload, failures, payload.marker.crashes - 1)
        arguments = [field, reserved, field.partition(" ")[2], "front", "", body, _stopped(worker, now), "", repr(now)]
        return "settle", _keys(self.keys.queue(queue), worker), arguments

    def end(self, settlement: Settlement, payload: Payload) -> tuple[str, Any, bytes, bytes]:
        """What becomes of it, at which moment, its bytes then, and the reason that is kept with it."""
        verdict, lease, now = settlement.verdict, settlement.lease, settlement.ended_at
        failures = lease.failures + verdict.failed
        crashes = lease.crashes + verdict.crashed
        match verdict.state:
            case State.SUCCEEDED:
                return "done", "", b"", b""
            case State.SCHEDULED:
                moment = now if verdict.run_at is None else verdict.run_at
                kept = _kept(payload, failures, crashes, failed=verdict.failed)
                return "delayed", repr(moment), kept, _stopped(settlement.worker, now)
            case State.DEAD | State.CANCELLED:
                kept = payload.changed(attempts=failures, marker=payload.marker.at_rest())
                more = {"error": settlement.error, "attempts": failures, "crashes": crashes, "claims": lease.attempt}
                why = reason(verdict.state, verdict.word, verdict.reason or "", now, worker=settlement.worker, **more)
                return "dead", repr(now), kept, why
        place = "back" if verdict.crashed or verdict.state is State.PARKED else "front"
        return place, "", _kept(payload, failures, crashes), _stopped(settlement.worker, now)

    def opened(self, payload: Payload) -> command.Command | None:
        """Its object, where that may hold a lock or a chain."""
        if not payload.is_command or not _HOLDS_MORE.search(payload.data.command):
            return None
        try:
            opened = command.open_command(payload, self.dialect.encrypter)
        except UndecodableError:
            return None
        return None if isinstance(opened, str) else opened

    def lock(self, payload: Payload, opened: command.Command | None, lease: Lease) -> tuple[str, str] | None:
        """The lock that its end frees, and the owner that it must have; '' is anybody."""
        version = self.dialect.version
        if payload.marker.lock is not None:
            return self.keys.lock(lease.task, payload.marker.lock, version), payload.id
        made = opened.object if opened is not None else None
        if made is None or (made.get("uniqueId") is None and made.get("uniqueFor") is None):
            return None
        unique_id = made.get("uniqueId")
        lock = self.keys.lock(made.name, "" if unique_id is None else str(unique_id), version)
        return lock, str(made.get("uniqueLockOwner") or "")

    def _follow(self, opened: command.Command, now: float, queue: str, keys: list[str], arguments: list[Any]) -> None:
        follower = self.dialect.follower(opened, now)
        if follower is None:
            return
        name, raw, delay = follower
        if len(keys) == len(_keys(self.keys.queue(queue), "")):
            # The place of the lock, which a chain needs filled.
            keys.append(self.keys.queue(queue).cancel + ":none")
        there = self.keys.queue(name or "default")
        keys += [there.ready, there.notify, there.delayed]
        arguments += [repr(now + delay) if delay else "", raw]


def _may_hold_more(reserved: bytes) -> bool:
    """Whether the bytes of a payload, where a field of ours may hold a lock, too, may say any of that."""
    count = reserved.count
    if b"unique" in reserved or b'"lock"' in reserved or count(b'"command"') != count(b'"command":"O:'):
        return True
    return count(b'chained\\";') != count(b'chained\\";a:0:') + count(b'chained\\";N;')


def _stopped(worker: str, now: float) -> bytes:
    return reason(State.CANCELLED, "cancelled", STOPPED, now, worker=worker)


def _kept(payload: Payload, failures: int, crashes: int, *, failed: bool = False) -> bytes:
    marker = replace(payload.marker, crashes=crashes, exceptions=payload.marker.exceptions + failed)
    return payload.changed(attempts=failures, marker=marker)


def _keys(queue: QueueKeys, worker: str) -> list[str]:
    return [
        *(queue.ready, queue.notify, queue.delayed, queue.reserved),
        *(queue.held(worker), queue.cancel, queue.dead, queue.bodies, queue.reasons),
    ]
