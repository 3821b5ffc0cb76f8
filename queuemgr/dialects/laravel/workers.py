"""Our workers, as they are known beside Laravel's keys: who lives, what each has reserved, and who takes it back.

Laravel's own workers are not registered anywhere in its queues, so they are not here.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import State
from queuemgr.liveness import Life, is_alive
from queuemgr.store import WorkerInfo

from .link import translated
from .picking import STOPPED, reason

if TYPE_CHECKING:
    from .keys import Keys
    from .link import Link, Run

PATROL = 0.5


class Workers:
    """`lease` seconds of silence end the life of a worker that no kernel here can tell of."""

    def __init__(self, link: Link, keys: Keys, lease: float) -> None:
        self._link = link
        self._keys = keys
        self._lease = lease
        self._joined: dict[str, WorkerInfo] = {}
        self._told: dict[str, str] = {}
        self._holding: set[tuple[str, str]] = set()
        self._patrolled = float("-inf")

    async def join(self, worker: WorkerInfo, now: float) -> None:
        self._joined[worker.id] = worker
        self._told[worker.id] = worker.state
        await self._write(worker, now)

    async def bears(self, worker: str, life: Life) -> bool:
        """Whether it is that process which has the worker's name."""
        with translated():
            told = await self._link.client.hget(self._keys.workers, worker)
        return told is not None and _read(told, 0.0).life == life

    async def beat(self, worker: str, state: str | None, now: float, until: float) -> list[str]:
        """Renew its reservations until the moment `until`; the ids of its jobs that somebody wants stopped."""
        with translated():
            async with self._link.client.pipeline(transaction=False) as pipe:
                pipe.hexists(self._keys.workers, worker)
                pipe.zadd(self._keys.beats, {worker: now}, xx=True)
                pipe.smembers(self._keys.queues_of(worker))
                known, _, queues = await pipe.execute()
        if worker in self._joined and (not known or (state is not None and state != self._told[worker])):
            self._told[worker] = state or self._told[worker]
            await self._write(replace(self._joined[worker], state=self._told[worker]), now)
        elif not known:
            return []
        renewals: list[Run] = []
        for name in sorted(queues):
            queue = self._keys.queue(name.decode())
            renewals.append(("renew", [queue.reserved, queue.held(worker), queue.cancel], [repr(until)]))
        stops = await self._link.runs(renewals)
        return [job_id.decode() for stop in stops for job_id in stop]

    async def holds(self, worker: str, queue: str) -> None:
        """Note, before the first of them, that the worker reserves jobs of this queue."""
        if (worker, queue) not in self._holding:
            with translated():
                await self._link.client.sadd(self._keys.queues_of(worker), queue)
            self._holding.add((worker, queue))

    async def held(self, worker: str) -> list[tuple[str, bytes, bytes]]:
        """Queue, field and exact bytes of all that it has reserved."""
        with translated():
            names = sorted(name.decode() for name in await self._link.client.smembers(self._keys.queues_of(worker)))
            found = []
            for name in names:
                held = await self._link.client.hgetall(self._keys.queue(name).held(worker))
                found += [(name, field, reserved) for field, reserved in held.items()]
        return found

    async def forget(self, worker: str) -> None:
        self._joined.pop(worker, None)
        self._holding = {pair for pair in self._holding if pair[0] != worker}
        with translated():
            async with self._link.client.pipeline(transaction=True) as pipe:
                pipe.hdel(self._keys.workers, worker)
                pipe.zrem(self._keys.beats, worker)
                pipe.delete(self._keys.queues_of(worker))
                await pipe.execute()

    async def take_back(self, worker: str, now: float) -> int:
        """What a dead worker had reserved goes back, its crash counted; how many jobs."""
        with translated():
            names = sorted(name.decode() for name in await self._link.client.smembers(self._keys.queues_of(worker)))
        stopped = reason(State.CANCELLED, "cancelled", STOPPED, now, worker=worker)
        runs: list[Run] = []
        for name in names:
            q = self._keys.queue(name)
            keys = [q.ready, q.notify, q.reserved, q.held(worker), q.cancel, q.dead, q.bodies, q.reasons]
            runs.append(("takeback", keys, [repr(now), stopped]))
        back: int = sum(await self._link.runs(runs))
        await self.forget(worker)
        return back

    async def found_dead(self, now: float) -> list[WorkerInfo]:
        """The workers that have died; looked for not more often than twice a second."""
        if 0 <= now - self._patrolled < PATROL:
            return []
        self._patrolled = now
        return [worker for worker in await self.all(now) if not worker.alive]

    async def all(self, now: float) -> list[WorkerInfo]:
        with translated():
            async with self._link.client.pipeline(transaction=True) as pipe:
                pipe.hgetall(self._keys.workers)
                pipe.zrange(self._keys.beats, 0, -1, withscores=True)
                told, beats = await pipe.execute()
        moments = dict(beats)
        found = [_read(data, moments.get(worker, 0.0)) for worker, data in told.items()]
        return sorted((self._with_life(one, now) for one in found), key=lambda one: (one.started_at, one.id))

    def _with_life(self, worker: WorkerInfo, now: float) -> WorkerInfo:
        alive = is_alive(worker.host, worker.pid, worker.birth, now - worker.beat_at, self._lease)
        return replace(worker, alive=alive)

    async def _write(self, worker: WorkerInfo, now: float) -> None:
        fields: dict[str, Any] = asdict(worker)
        with translated():
            async with self._link.client.pipeline(transaction=True) as pipe:
                pipe.hset(self._keys.workers, worker.id, msgspec.json.encode(fields))
                pipe.zadd(self._keys.beats, {worker.id: now})
                await pipe.execute()


def _read(data: bytes, beat_at: float) -> WorkerInfo:
    return replace(msgspec.json.decode(data, type=WorkerInfo), beat_at=beat_at)
