"""What people ask of the store: looking at jobs, and changing them as far as Laravel's format has a place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from queuemgr.dialect import Ability, Limited, refuse
from queuemgr.errors import ConfigError, UndecodableError, did_you_mean
from queuemgr.job import State
from queuemgr.store import KEEP_DEAD

from .format import WAYS_OUT
from .link import translated
from .listing import Found, Listing
from .payload import parse
from .picking import reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import JobRecord
    from queuemgr.store import Page, Query, QueueInfo, WorkerInfo

    from .format import Laravel
    from .keys import Keys
    from .link import Link
    from .why import Why
    from .workers import Workers

VERBS = ("retry", "cancel", "delete", "hold", "release")
BY_HAND = "cancelled by hand"


class Desk(Limited):
    """The part of the store that no worker needs."""

    ways_out: Mapping[Ability, str] = WAYS_OUT
    dialect: Laravel
    clock: Clock
    _keys: Keys
    _link: Link
    _workers: Workers

    @property
    def _listing(self) -> Listing:
        return Listing(self._link, self._keys, self.dialect)

    async def get(self, job_id: str) -> JobRecord:
        return (await self._listing.get(job_id, self.clock.now())).record

    async def raw(self, job_id: str) -> bytes:
        """The payload's exact bytes. Raises JobNotFound."""
        return (await self._listing.get(job_id, self.clock.now())).body

    async def arguments(self, job_id: str) -> bytes:
        """Raises UndecodableError where only Laravel can see them."""
        contents = self.dialect.open(await self.raw(job_id))
        if contents.obstacle is not None and contents.args == b"[[]]":
            raise UndecodableError(f"the arguments of job {job_id} cannot be shown: {contents.obstacle}")
        return contents.args

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page:
        return await self._listing.find(query, limit, after, self.clock.now())

    async def count(self, query: Query) -> int:
        return await self._listing.count(query, self.clock.now())

    async def queues(self) -> list[QueueInfo]:
        return await self._listing.queues()

    async def workers(self) -> list[WorkerInfo]:
        return await self._workers.all(self.clock.now())

    async def dead(self, queue: str, limit: int) -> list[tuple[str, bytes, Why]]:
        """The newest dead jobs of one queue: id, payload's exact bytes, and why."""
        return await self._listing.dead(queue, limit)

    async def resend(self, queue: str, from_list: str, kept: bytes, payload: bytes) -> bool:
        """Send back, once, what an older program kept in a list of Redis. `kept` is what stands there."""
        place = self._keys.queue(queue)
        keys = [self._keys.queue(from_list).ready, place.ready, place.notify]
        return bool(await self._link.run("resend", keys, [kept, payload]))

    async def kept_in_list(self, name: str, limit: int) -> list[bytes]:
        """What an older program kept in the list of this name, the newest first."""
        with translated():
            kept: list[bytes] = await self._link.client.lrange(self._keys.queue(name).ready, -limit, -1)
        return kept[::-1]

    async def clear_list(self, name: str) -> int:
        """Forget what an older program kept in the list of this name; how much it was."""
        key = self._keys.queue(name).ready
        with translated():
            async with self._link.client.pipeline(transaction=True) as pipe:
                pipe.llen(key)
                pipe.delete(key)
                number: int = (await pipe.execute())[0]
        return number

    async def change(self, verb: str, query: Query) -> int:
        match verb:
            case "retry":
                act = self._retry
            case "cancel":
                act = self._cancel
            case "delete":
                act = self._delete
            case "hold" | "release":
                refuse(Ability.HOLDING, self.ways_out)
            case _:
                raise ConfigError(f"jobs cannot be told to {verb!r}: {did_you_mean(verb, VERBS)}")
        return sum([await act(found) async for found in self._listing.all(query, self.clock.now())])

    async def prune(self, limit: int = 1000) -> int:
        gone = 0
        for name in await self._listing.queue_names():
            queue = self._keys.queue(name)
            with translated():
                old = self.clock.now() - KEEP_DEAD
                ids = await self._link.client.zrangebyscore(queue.dead, "-inf", old, start=0, num=limit - gone)
            gone += await self._forget(name, [part for job_id in ids for part in ("dead", job_id)])
            if gone >= limit:
                break
        return gone

    async def key_get(self, key: str) -> bytes | None:
        with translated():
            value: bytes | None = await self._link.client.get(self._keys.value(key))
            return value

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        with translated():
            return bool(await self._link.client.set(self._keys.value(key), value, nx=True, px=_millis(ttl) or None))

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        total: int = await self._link.run("add", [self._keys.value(key)], [amount, _millis(ttl)])
        return total

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        return bool(await self._link.run("remove_if", [self._keys.value(key)], [value]))

    async def _retry(self, found: Found) -> int:
        if found.stage not in ("dead", "delayed"):
            return 0
        body = found.body
        if not found.unread:
            payload = parse(body)
            dead = found.stage == "dead"
            # A job that begins anew has no time limit behind it that only its class could set again.
            # The count of its leases goes on, so that no reservation is ever like one before.
            marker = replace(payload.marker, claims=found.claims)
            body = payload.changed(attempts=0, marker=marker, anytime=True) if dead else body
        queue = self._keys.queue(found.queue)
        keys = [queue.ready, queue.notify, queue.dead, queue.bodies, queue.reasons, queue.delayed]
        place = "delayed" if found.stage == "delayed" else ""
        done: int = await self._link.run("revive", keys, [found.record.id, found.key, body, place])
        return done

    async def _cancel(self, found: Found) -> int:
        queue, now = self._keys.queue(found.queue), self.clock.now()
        if found.stage == "dead":
            return 0
        if found.stage == "reserved":
            holder = await self._listing.holder(found, [worker.id for worker in await self.workers()])
            if holder is None:
                return 0
            with translated():
                await self._link.client.sadd(queue.cancel, found.record.id)
            return 1
        why = reason(State.CANCELLED, "cancelled", BY_HAND, now)
        keys = [queue.ready, queue.notify, queue.delayed, queue.dead, queue.bodies, queue.reasons]
        body = found.body
        if not found.unread:
            payload = parse(body)
            body = payload.changed(marker=payload.marker.at_rest())
            why = reason(State.CANCELLED, "cancelled", BY_HAND, now, claims=payload.marker.claims)
        done: int = await self._link.run("bury", keys, [repr(now), found.key, found.record.id, body, why])
        return await self._freed(found, done)

    async def _delete(self, found: Found) -> int:
        if found.stage == "reserved":
            return 0
        gone = await self._forget(found.queue, ["dead" if found.stage == "dead" else "waiting", found.key])
        return await self._freed(found, gone)

    async def _freed(self, found: Found, done: int) -> int:
        """Free the unique key of a job that was done away with."""
        record = found.record
        if done and record.unique_key is not None:
            lock = self._keys.lock(record.task, record.unique_key, self.dialect.version)
            await self._link.run("remove_if", [lock], [record.id])
        return done

    async def _forget(self, name: str, which: Sequence[Any]) -> int:
        if not which:
            return 0
        queue = self._keys.queue(name)
        keys = [queue.ready, queue.notify, queue.delayed, queue.dead, queue.bodies, queue.reasons]
        gone: int = await self._link.run("forget", keys, which)
        return gone


def _millis(ttl: float | None) -> int:
    return 0 if ttl is None else max(1, int(ttl * 1000))
