"""Laravel's queues in Redis as a store: the life of a job. Looking and changing are next door (desk.py).

The records live in Laravel's own keys and are moved as Laravel moves them, so that its workers, its commands and its
dashboards see ours as their own. What Laravel has nothing for raises Unsupported and names the way out.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from queuemgr.clock import ServerClock, SystemClock
from queuemgr.errors import JobExists, StoreUnavailable
from queuemgr.fault import point
from queuemgr.job import State
from queuemgr.store import REMOTE_LEASE, Claimed, Enqueued

from . import address
from .desk import Desk
from .link import Link, translated
from .picking import Picked, Picking, field_of, needles_of, shared_out, too_large
from .restart import KEY as RESTARTED
from .restart import Restart
from .settling import Settling
from .shelf import Shelf
from .sources import FromUrl
from .waiting import Waiting
from .workers import Workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import Job, Lease
    from queuemgr.liveness import Life
    from queuemgr.store import Claim, Settlement, WorkerInfo

    from .sources import Source

PAGE = 200
MOST_PAGES = 16
MOST_MOVED = 500
MANY = 500
GLIMPSE = 8
PAUSES = (0.05, 0.2, 0.5)


class LaravelStore(Desk):
    """`laravel+redis://host:6379/0?prefix=myapp_database_`; address.py says what else the URL may tell."""

    def __init__(self, url: str, clock: Clock | None = None, *, source: Source | None = None) -> None:
        """`source` is where connections come from, if not from the URL, which then only tells the application's ways.

        Raises ConfigError.
        """
        self.url = url
        # A process that beats for a worker has nothing but the URL.
        self.remote = source is None
        self._address = address.read(url)
        self._ways = self._address.ways
        self.dialect = self._ways.dialect
        self.lease = min(REMOTE_LEASE, self._ways.retry_after)
        self._server_clock = ServerClock(SystemClock()) if clock is None else None
        self.clock: Clock = clock or self._server_clock or SystemClock()
        self._keys = self._address.keys
        self._link = Link(source or FromUrl(self._address.redis))
        self._workers = Workers(self._link, self._keys, self.lease)
        self._waiting = Waiting(self._link, self._keys, self.clock)
        self._settling = Settling(self.dialect, self._keys, self._ways.count_crashes)
        self._shelf = Shelf(self._address.failed, self.dialect) if self._address.failed else None
        self._restart = Restart(self._restarted)
        self._held: dict[tuple[str, str, int], tuple[Lease, bytes]] = {}
        self._offsets: dict[str, int] = {}
        self._heard = float("-inf")
        self._answered: str | None = None

    async def open(self) -> None:
        await self._hear()

    async def close(self) -> None:
        await self._waiting.close()
        await self._link.close()
        if self._shelf is not None:
            await asyncio.to_thread(self._shelf.close)

    async def rest(self) -> None:
        """Close the connections of this event loop that nobody uses now, where the loop ends and the store lives on."""
        await self._link.rest()

    # enqueue

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        if not jobs:
            return []
        await self._hear()
        call = self._sending(jobs)
        for pause in PAUSES:
            with suppress(StoreUnavailable):
                return self._sent(jobs, call, await self._link.run("enqueue", *call))
            await asyncio.sleep(pause)
        return self._sent(jobs, call, await self._link.run("enqueue", *call))

    def enqueue_now(self, jobs: Sequence[Job]) -> list[Enqueued]:
        if not jobs:
            return []
        call = self._sending(jobs)
        for pause in PAUSES:
            with suppress(StoreUnavailable):
                return self._sent(jobs, call, self._link.run_now("enqueue", *call))
            time.sleep(pause)
        return self._sent(jobs, call, self._link.run_now("enqueue", *call))

    def _sent(self, jobs: Sequence[Job], call: tuple[list[str], list[Any]], answer: list[Any]) -> list[Enqueued]:
        done = _accepted(jobs, answer)
        self._answered = None if self._keys.tagged else call[0][-1]
        point("enqueue.committed")
        return done

    def _sending(self, jobs: Sequence[Job]) -> tuple[list[str], list[Any]]:
        now = self.clock.now()
        places: dict[str, int] = {}
        keys: list[str] = []

        def place(*names: str) -> int:
            if names[0] not in places:
                places[names[0]] = len(keys) + 1
                keys.extend(names)
            return places[names[0]]

        arguments: list[Any] = [len(jobs)]
        for job in jobs:
            raw = self.dialect.write(job, now)
            queue = self._keys.queue(job.queue)
            moment = job.run_at if job.delay is None else now + job.delay
            late = repr(moment) if moment is not None and moment > now else ""
            arguments += [place(queue.ready, queue.notify, queue.delayed), late]
            if job.unique is None:
                arguments += [0, 0, "", ""]
            else:
                lock = self._keys.lock(job.task, job.unique.key, self.dialect.version)
                ttl = int((job.unique.window or 0) * 1000)
                arguments += [place(lock), ttl, job.id, job.unique.on_conflict]
            arguments.append(raw)
        answered = self._answered
        arguments.append("forget" if answered is not None else "")
        keys += [key for key in (answered, self._keys.sent(jobs[0].queue, jobs[0].id)) if key is not None]
        return keys, arguments

    # claim

    async def claim(self, claim: Claim) -> Claimed:
        now = await self._hear()
        if self._address.restart and await self._restart.ask():
            return Claimed([])
        for worker in await self._workers.found_dead(now):
            await self._part(worker.id, now, blame=worker.state != "stopping")
        mine = [lease for (worker, *_), (lease, _) in self._held.items() if worker == claim.worker]
        suspect, running = not any(lease.crashes for lease in mine), {lease.id for lease in mine}
        picks: list[tuple[str, int, list[Picked]]] = []
        dues: list[float] = []
        for name, share in claim.queues:
            picking = Picking(self.dialect, name, claim.tasks, now, self._ways.count_crashes, suspect, running)
            dues += await self._pick(picking, claim.limit, PAGE if claim.idle else GLIMPSE)
            if picking.graves:
                await self._put_away(name)
            suspect = picking.suspect
            picks.append((name, share, picking.picked))
        point("claim.updated")
        leases: list[Lease] = []
        for name, chosen in shared_out(picks, claim.limit):
            leases += await self._take(name, chosen, claim.worker, now)
        point("claim.committed")
        return Claimed(leases, min(dues, default=None))

    async def _pick(self, picking: Picking, most: int, at_once: int) -> list[float]:
        """Look through one queue until there is enough; the moments at which more of it is due.

        After each `at_once` jobs whatever else is due in this event loop has its turn.
        """
        queue, first = self._keys.queue(picking.queue), self._offsets.get(picking.queue, 0)
        keys = [queue.ready, queue.notify, queue.delayed, queue.reserved, queue.dead, queue.bodies, queue.reasons]
        limits = [
            self._ways.max_payload,
            too_large(self._ways.max_payload, picking.now),
            *needles_of(picking.tasks),
        ]
        length, mark, moments = 0, b"", []
        # Mostly what comes first is for us, so that a look at little more than that is enough.
        sizes = chain([min(PAGE, most + most // 16 + 4)], repeat(PAGE, MOST_PAGES - 1))
        for size in sizes:
            page = [repr(picking.now), MOST_MOVED, first, size]
            shown, passed, length, mark, *times = await self._link.run("survey", keys, page + limits)
            moments = [float(moment) for moment in times if moment]
            graves = len(picking.graves)
            for begin in range(0, len(shown), at_once):
                picking.look_at(shown[begin : begin + at_once], most)
                await asyncio.sleep(0)
            first += passed - (len(picking.graves) - graves)
            await self._bury(picking, graves)
            if len(picking.picked) >= most or first >= length or not passed:
                break
        enough = len(picking.picked) >= most
        # A long list of jobs that are for others is gone through in several claims, each from where the last one ended.
        self._offsets[picking.queue] = 0 if enough or first >= length else first
        self._waiting.leaves(picking.queue, mark if not enough and first >= length else None)
        return moments

    async def _bury(self, picking: Picking, begin: int) -> None:
        queue = self._keys.queue(picking.queue)
        keys = [queue.ready, queue.notify, queue.delayed, queue.dead, queue.bodies, queue.reasons]
        for grave in picking.graves[begin:]:
            await self._link.run("bury", keys, [repr(picking.now), grave.waiting, grave.id, grave.body, grave.reason])
            if grave.lock is not None:
                await self._link.run("remove_if", [self._keys.lock(*grave.lock, self.dialect.version)], [grave.id])

    async def _take(self, name: str, chosen: Sequence[Picked], worker: str, now: float) -> list[Lease]:
        if not chosen:
            return []
        await self._workers.holds(worker, name)
        queue = self._keys.queue(name)
        arguments: list[Any] = [repr(now + self._ways.retry_after)]
        for one in chosen:
            arguments += (one.waiting, one.change, one.field)
        taken = await self._link.run("take", [queue.ready, queue.notify, queue.reserved, queue.held(worker)], arguments)
        leases = []
        for one, mine in zip(chosen, taken, strict=True):
            if mine:
                self._held[worker, one.lease.id, one.lease.attempt] = (one.lease, one.reserved)
                leases.append(one.lease)
        return leases

    # settle

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        answers = [False] * len(settlements)
        runs, places = [], []
        plain: dict[tuple[str, str], list[tuple[int, Lease]]] = {}
        for place, settlement in enumerate(settlements):
            lease = settlement.lease
            held = self._held.get((settlement.worker, lease.id, lease.attempt))
            reserved = await self._reserved(lease, settlement.worker) if held is None else held[1]
            if reserved is None:
                continue
            if self._settling.is_plain(settlement, reserved):
                plain.setdefault((lease.queue, settlement.worker), []).append((place, lease))
            else:
                runs.append(self._settling.run(settlement, reserved))
                places.append(place)
        point("settle.updated")
        for (queue, worker), ended in plain.items():
            for part in (ended[start : start + MANY] for start in range(0, len(ended), MANY)):
                done = await self._link.run(*self._settling.finish(queue, worker, [lease for _, lease in part]))
                _note(answers, [place for place, _ in part], done)
        for start in range(0, len(runs), MANY):
            done = await self._link.runs(runs[start : start + MANY])
            _note(answers, places[start : start + MANY], done)
        for settlement in settlements:
            self._held.pop((settlement.worker, settlement.lease.id, settlement.lease.attempt), None)
        point("settle.committed")
        for queue in {one.lease.queue for one in settlements if one.verdict.state is State.DEAD}:
            await self._put_away(queue)
        return answers

    async def _reserved(self, lease: Lease, worker: str) -> bytes | None:
        with translated():
            found: bytes | None = await self._link.client.hget(
                self._keys.queue(lease.queue).held(worker), field_of(lease)
            )
        return found

    # the worker

    async def join(self, worker: WorkerInfo) -> None:
        now = await self._hear()
        if self._address.restart:
            await self._restart.begin()
        await self._workers.join(worker, now)

    async def beat(self, worker: str, state: str | None = "running", *, life: Life | None = None) -> list[str]:
        now = await self._hear()
        if life is not None and not await self._workers.bears(worker, life):
            return []
        return await self._workers.beat(worker, state, now, now + self._ways.retry_after)

    async def leave(self, worker: str, *, died: bool = False, life: Life | None = None) -> None:
        now = await self._hear()
        if life is None or await self._workers.bears(worker, life):
            await self._part(worker, now, blame=died)
        # The loop of a worker ends with it, and then nobody could close what idles there.
        await self._waiting.close()
        await self._link.rest()

    async def _part(self, worker: str, now: float, *, blame: bool) -> None:
        """A worker is no more; what it had reserved goes back, to the front unless the job may be to blame."""
        if not blame:
            order = {field_of(lease): place for place, (lease, _) in enumerate(self._held.values())}
            held = await self._workers.held(worker)
            held.sort(key=lambda one: order.get(one[1].decode(), len(order)))
            runs = [self._settling.give_back(queue, worker, field.decode(), raw, now) for queue, field, raw in held]
            await self._link.runs([run for run in reversed(runs) if run is not None])
        await self._workers.take_back(worker, now)
        for key in [key for key in self._held if key[0] == worker]:
            self._held.pop(key, None)

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        await self._waiting.for_work(queues, timeout)

    async def _restarted(self) -> bytes | None:
        with translated():
            called: bytes | None = await self._link.client.get(self._keys.cached(RESTARTED))
            return called

    async def _hear(self) -> float:
        """The time now. The server's clock is asked once in a while."""
        asked = time.monotonic()
        if self._server_clock is not None and asked - self._heard > 5.0:
            with translated():
                if self._heard == float("-inf"):
                    # The first call opens the connection, which takes its own time.
                    await self._link.meet(self._keys.prefix)
                    asked = time.monotonic()
                seconds, micros = await self._link.client.time()
            self._server_clock.heard(seconds + micros / 1e6, asked)
            self._heard = asked
        return self.clock.now()


def _note(answers: list[bool], places: Sequence[int], done: Sequence[int]) -> None:
    for place, was in zip(places, done, strict=True):
        answers[place] = bool(was)


def _accepted(jobs: Sequence[Job], answer: list[Any]) -> list[Enqueued]:
    if answer and answer[0] == b"taken":
        job = jobs[int(answer[1])]
        assert job.unique is not None
        raise JobExists(job.unique.key, answer[2].decode())
    return [
        Enqueued(owner.decode(), existing=True) if owner else Enqueued(job.id)
        for job, owner in zip(jobs, answer, strict=True)
    ]
