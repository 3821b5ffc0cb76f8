"""What people ask of the store: looking at jobs, and changing them as far as Laravel's format has a place for it."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from queuemgr.dialect import Ability, Limited
from queuemgr.errors import JobNotFound, UndecodableError
from queuemgr.job import State
from queuemgr.store import KEEP_DEAD, Page, QueueInfo

from .database.listing import Found as Shelved
from .format import WAYS_OUT
from .link import translated
from .listing import Found, Listing
from .payload import parse
from .picking import reason
from .shelf import MARK, Shelf
from .verbs import act_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import JobRecord
    from queuemgr.store import Query, WorkerInfo

    from .format import Laravel
    from .keys import Keys
    from .link import Link
    from .why import Why
    from .workers import Workers

PUT_AWAY = 500
BY_HAND = "cancelled by hand"


class Desk(Limited):
    """The part of the store that no worker needs."""

    ways_out: Mapping[Ability, str] = WAYS_OUT
    dialect: Laravel
    clock: Clock
    _keys: Keys
    _link: Link
    _workers: Workers
    _shelf: Shelf | None

    @property
    def _listing(self) -> Listing:
        return Listing(self._link, self._keys, self.dialect)

    async def get(self, job_id: str) -> JobRecord:
        return (await self._anywhere(job_id)).record

    async def raw(self, job_id: str) -> bytes:
        """The payload's exact bytes. Raises JobNotFound."""
        return (await self._anywhere(job_id)).body

    async def arguments(self, job_id: str) -> bytes:
        """Raises UndecodableError where only Laravel can see them."""
        contents = self.dialect.open(await self.raw(job_id))
        if contents.obstacle is not None and contents.args == b"[[]]":
            raise UndecodableError(f"the arguments of job {job_id} cannot be shown: {contents.obstacle}")
        return contents.args

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page:
        now = self.clock.now()
        if self._shelf is None:
            return await self._listing.find(query, limit, after, now)
        page = Page([], None)
        if not str(after or "").startswith(MARK):
            page = await self._listing.find(query, limit, after, now)
            if page.after is not None:
                return page
            after = None
        more = await self._shelf.find(query, limit - len(page.jobs), after, now)
        return Page([*page.jobs, *more.jobs], more.after or (MARK + "0" if len(page.jobs) == limit else None))

    async def count(self, query: Query) -> int:
        now = self.clock.now()
        shelved = 0 if self._shelf is None else len(await self._shelf.all(query, now))
        return await self._listing.count(query, now) + shelved

    async def queues(self) -> list[QueueInfo]:
        found = {info.name: info for info in await self._listing.queues()}
        for name, number in ({} if self._shelf is None else await self._shelf.counts()).items():
            info = found.get(name) or QueueInfo(name=name, paused=False, counts={})
            found[name] = replaced(info, counts={**info.counts, State.DEAD: info.counts.get(State.DEAD, 0) + number})
        return [found[name] for name in sorted(found)]

    async def workers(self) -> list[WorkerInfo]:
        return await self._workers.all(self.clock.now())

    async def dead(self, queue: str, limit: int) -> list[tuple[str, bytes, Why]]:
        """The newest dead jobs of one queue: id, payload's exact bytes, and why."""
        dead = await self._listing.dead(queue, limit)
        if self._shelf is not None and len(dead) < limit:
            newest = await self._shelf.newest(queue, limit - len(dead))
            dead += [(failure.uuid, failure.payload, failure.why) for failure in newest]
        return dead

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
        acts = {"retry": self._retry, "cancel": self._cancel, "delete": self._delete}
        act = act_of(verb, acts, self.ways_out)
        now = self.clock.now()
        changed = sum([await act(found) async for found in self._listing.all(query, now)])
        if self._shelf is not None and verb in ("retry", "delete"):
            changed += sum(
                [await self._from_shelf(self._shelf, verb, one) for one in await self._shelf.all(query, now)]
            )
        return changed

    async def prune(self, limit: int = 1000) -> int:
        gone = 0
        for name in await self._listing.queue_names():
            await self._put_away(name)
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

    async def _anywhere(self, job_id: str) -> Found | Shelved:
        """Raises JobNotFound."""
        try:
            return await self._listing.get(job_id, self.clock.now())
        except JobNotFound:
            if self._shelf is None:
                raise
        return await self._shelf.get(job_id, self.clock.now())

    async def _put_away(self, name: str) -> None:
        """Hand what is dead in this queue to Laravel's table of failed jobs, where there is one."""
        if self._shelf is None:
            return
        while ids := await self._shelf.put(name, await self._listing.dead(name, PUT_AWAY)):
            await self._forget(name, [part for job_id in ids for part in ("dead", job_id)])

    async def _from_shelf(self, shelf: Shelf, verb: str, found: Shelved) -> int:
        if verb == "retry" and found.payload is not None:
            # It is in the queue before it leaves the table: killed here, it may run and still be listed as failed.
            marker = replace(found.payload.marker.at_rest(), claims=found.failure.why.claims if found.failure else 0)
            body = found.payload.changed(attempts=0, marker=marker, anytime=True)
            queue = self._keys.queue(found.record.queue)
            await self._link.run("push", [queue.ready, queue.notify], [body])
        elif verb == "retry":
            return 0
        return await shelf.remove(found.record.id)

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
