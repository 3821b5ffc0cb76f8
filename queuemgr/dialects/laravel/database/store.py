"""Laravel's table of jobs as a store: the life of a job. Looking and changing are next door (desk.py).

A row is reserved, released and removed as Laravel's own workers do it, with its payload as it was. The table knows
whole seconds only. Nobody is told of a new row, so that workers look for one several times a second.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as replaced

from queuemgr.clock import ServerClock, SystemClock
from queuemgr.dialects.laravel.keys import Keys
from queuemgr.dialects.laravel.payload import parse
from queuemgr.dialects.laravel.picking import (
    STOPPED,
    Grave,
    Picked,
    Picking,
    needles_of,
    reason,
    reserve,
    shared_out,
    too_large,
    unread_id,
)
from queuemgr.dialects.laravel.restart import KEY as RESTARTED
from queuemgr.dialects.laravel.restart import Restart
from queuemgr.dialects.laravel.settling import Settling
from queuemgr.dialects.laravel.why import read_why
from queuemgr.errors import UndecodableError
from queuemgr.fault import point
from queuemgr.job import Lease, State
from queuemgr.store import LEASE, REMOTE_LEASE, Claimed, Enqueued

from . import address
from .book import Book
from .connecting import Database
from .desk import TableDesk
from .failed import FailedTable, Failure
from .listing import Listing
from .rows import Held, Jobs, New, Waiting, Want

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.clock import Clock
    from queuemgr.dialects.laravel.payload import Payload
    from queuemgr.job import Job
    from queuemgr.liveness import Life
    from queuemgr.store import Claim, Settlement, WorkerInfo

    from .connecting import Transaction

PAGE = 200
MOST_PAGES = 50
PATROL = 0.5
FIRST_LOOK, LAST_LOOK = 0.02, 0.25
Chosen = tuple[Waiting, Picked]


class LaravelTableStore(TableDesk):
    """`laravel+postgresql://user@host/database`, or mysql; `laravel+sqlite:///file`. address.py tells the rest."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        """Raises ConfigError."""
        self.url = url
        self._address = address.read(url)
        self.remote = self._address.remote
        self._ways = self._address.ways
        self.dialect = self._ways.dialect
        self.lease = min(REMOTE_LEASE if self.remote else LEASE, self._ways.retry_after)
        self._server_clock = ServerClock(SystemClock()) if clock is None and self.remote else None
        self.clock: Clock = clock or self._server_clock or SystemClock()
        self._database = Database(self._address.kind)
        self._jobs = Jobs(self._address.table)
        self._failed = FailedTable(self._address.failed, self.dialect.connection)
        self._book = Book(self.lease)
        self._settling = Settling(self.dialect, Keys("", self._address.cache_prefix), self._ways.count_crashes)
        self._listing = Listing(self._jobs, self._failed, self._book, self._ways)
        self._restart = Restart(self._restarted)
        self._joined: dict[str, WorkerInfo] = {}
        self._held: dict[tuple[str, str, int], Lease] = {}
        self._wants: dict[str, tuple[Want, frozenset[int]]] = {}
        self._patrolled = self._heard = float("-inf")

    async def open(self) -> None:
        await self._do(self._jobs.check, write=False)

    async def close(self) -> None:
        await asyncio.to_thread(self._database.close)

    # enqueue

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        if not jobs:
            return []
        await self._do(lambda tx: self._send(tx, jobs))
        point("enqueue.committed")
        return [Enqueued(job.id) for job in jobs]

    def enqueue_now(self, jobs: Sequence[Job]) -> list[Enqueued]:
        if not jobs:
            return []
        self._database.do_now(lambda tx: self._send(tx, jobs))
        point("enqueue.committed")
        return [Enqueued(job.id) for job in jobs]

    def _send(self, tx: Transaction, jobs: Sequence[Job]) -> None:
        self._jobs.check(tx)
        now = self.clock.now()
        rows = []
        for job in jobs:
            moment = now + job.delay if job.delay is not None else now if job.run_at is None else job.run_at
            rows.append(New(queue=job.queue, payload=self.dialect.write(job, now), at=moment))
        self._jobs.add(tx, rows, now)

    # claim

    async def claim(self, claim: Claim) -> Claimed:
        await self._hear()
        if self._address.restart and await self._restart.ask():
            return Claimed([])
        claimed = await self._do(lambda tx: self._claim(tx, claim, self.clock.now()))
        point("claim.committed")
        for lease in claimed.leases:
            self._held[claim.worker, lease.id, lease.attempt] = lease
        return claimed

    def _claim(self, tx: Transaction, claim: Claim, now: float) -> Claimed:
        self._jobs.check(tx)
        self._book.make(tx)
        self._patrol(tx, now)
        mine = [lease for (worker, *_), lease in self._held.items() if worker == claim.worker]
        suspect, running = not any(lease.crashes for lease in mine), {lease.id for lease in mine}
        picks: list[tuple[str, int, list[Chosen]]] = []
        for name, share in claim.queues:
            picking = Picking(self.dialect, name, claim.tasks, now, self._ways.count_crashes, suspect, running)
            picks.append((name, share, self._pick(tx, picking, claim.limit)))
            suspect = picking.suspect
        point("claim.updated")
        leases: list[Lease] = []
        for _, chosen in shared_out(picks, claim.limit):
            leases += self._take(tx, chosen, claim.worker, now)
        return Claimed(leases, self._jobs.next_due(tx, [name for name, _ in claim.queues], now))

    def _pick(self, tx: Transaction, picking: Picking, most: int) -> list[Chosen]:
        needles = tuple(needle.decode() for needle in needles_of(picking.tasks))
        want = Want(queue=picking.queue, now=picking.now, retry_after=self._ways.retry_after, needles=needles)
        chosen: list[Chosen] = []
        passed: set[int] = set()
        after, size = 0, min(PAGE, most + most // 4 + 4)
        for _ in range(MOST_PAGES):
            rows = self._jobs.waiting(tx, want, after, size, self._ways.max_payload)
            for row in rows:
                picked = self._consider(tx, picking, row) if len(chosen) < most else None
                if picked is not None:
                    chosen.append((row, picked))
                passed.add(row.id)
            if len(rows) < size or len(chosen) >= most:
                break
            after, size = rows[-1].id, PAGE
        # What was passed over is for others and wakes nobody here, until something else happens.
        left = frozenset() if len(chosen) >= most else frozenset(passed - {row.id for row, _ in chosen})
        self._wants[picking.queue] = (want, left)
        return chosen

    def _consider(self, tx: Transaction, picking: Picking, row: Waiting) -> Picked | None:
        if row.payload is None:
            self._bury_large(tx, picking, row)
            return None
        try:
            payload = _as_left(parse(row.payload, row.attempts), row)
            found = picking.consider(payload)
            if isinstance(found, Picked) and (why := self._locked(tx, payload, found.lease)):
                picking.leave(found, why)
                return None
        except UndecodableError as error:
            told = reason(State.DEAD, "undecodable", str(error), picking.now)
            found = Grave(row.payload, unread_id(row.payload), row.payload, told)
        if isinstance(found, Grave):
            self._failed.put(tx, Failure(found.id, picking.queue, found.body, read_why(found.reason)))
            self._jobs.remove(tx, [row.id])
            return None
        return found

    def _bury_large(self, tx: Transaction, picking: Picking, row: Waiting) -> None:
        """By the database itself, so that its bytes do not come here."""
        why = read_why(too_large(self._ways.max_payload, picking.now))
        self._failed.put(tx, Failure(f"unread-{row.id}", picking.queue, b"", why))
        self._failed.take_payload(tx, f"unread-{row.id}", self._address.table, row.id)
        self._jobs.remove(tx, [row.id])

    def _locked(self, tx: Transaction, payload: Payload, lease: Lease) -> str | None:
        """Why its end could not free the lock that it holds."""
        lock = self._settling.lock(payload, self._settling.opened(payload), lease)
        if lock is None or self._book.has_locks(tx):
            return None
        return "it holds a lock in Laravel's cache, which is not in this database"

    def _take(self, tx: Transaction, chosen: Sequence[Chosen], worker: str, now: float) -> list[Lease]:
        taken, leases = [], []
        for row, picked in chosen:
            lease = replaced(picked.lease, key=row.id)
            counts = self._ways.count_crashes or lease.at_most_once
            taken.append((row.id, lease.id, lease.attempt, row.attempts, counts))
            leases.append(lease)
        self._jobs.reserve(tx, taken, worker, now)
        return leases

    # settle

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        point("settle.updated")
        answers = await self._do(lambda tx: self._settle(tx, settlements))
        for settlement in settlements:
            self._held.pop((settlement.worker, settlement.lease.id, settlement.lease.attempt), None)
        point("settle.committed")
        return answers

    def _settle(self, tx: Transaction, settlements: Sequence[Settlement]) -> list[bool]:
        self._jobs.check(tx)
        if not self._book.is_there(tx):
            return [False] * len(settlements)
        rows = {row.id: row for row in self._jobs.held(tx, ids=[int(one.lease.key) for one in settlements])}
        gone: list[int] = []
        answers = []
        for settlement in settlements:
            lease = settlement.lease
            row = rows.get(int(lease.key))
            fits = row is not None and (row.worker, row.token) == (settlement.worker, lease.attempt)
            answers.append(fits)
            if row is not None and fits:
                del rows[row.id]
                self._end(tx, settlement, row, gone)
        self._jobs.remove(tx, gone)
        return answers

    def _end(self, tx: Transaction, settlement: Settlement, row: Held, gone: list[int]) -> None:
        lease, now = settlement.lease, settlement.ended_at
        if settlement.verdict.state is State.SUCCEEDED and self._settling.is_plain(settlement, row.payload):
            gone.append(row.id)
            return
        payload = parse(row.payload, row.attempts)
        reserved = parse(reserve(payload, lease, self._ways.count_crashes), row.attempts)
        what, moment, body, why = self._settling.end(settlement, reserved)
        if row.cancelled and what in ("front", "back", "delayed"):
            what, why = "dead", reason(State.CANCELLED, "cancelled", STOPPED, now, worker=row.worker)
        failures = lease.failures + settlement.verdict.failed
        match what:
            case "front":
                self._jobs.put_back(tx, row.id, body, failures, now, now)
                return
            case "delayed":
                self._jobs.put_back(tx, row.id, body, failures, float(moment), now)
                return
            case "back":
                self._jobs.add(tx, [New(queue=row.queue, payload=body, at=now, attempts=failures)], now)
            case "dead":
                self._failed.put(tx, Failure(lease.id, row.queue, body or row.payload, read_why(why)))
        if what in ("done", "dead"):
            self._finish(tx, settlement, payload)
        gone.append(row.id)

    def _finish(self, tx: Transaction, settlement: Settlement, payload: Payload) -> None:
        """The lock that its end frees, and what follows in its chain."""
        now, opened = settlement.ended_at, self._settling.opened(payload)
        if (lock := self._settling.lock(payload, opened, settlement.lease)) is not None:
            self._book.free(tx, *lock)
        if opened is None or settlement.verdict.state is not State.SUCCEEDED:
            return
        if (follower := self.dialect.follower(opened, now)) is not None:
            name, raw, delay = follower
            self._jobs.add(tx, [New(queue=name or "default", payload=raw, at=now + delay)], now)

    # the worker

    async def join(self, worker: WorkerInfo) -> None:
        await self._hear()
        if self._address.restart:
            await self._restart.begin()
        self._joined[worker.id] = worker
        await self._do(lambda tx: self._book.write(tx, worker, self.clock.now()))

    async def beat(self, worker: str, state: str | None = "running", *, life: Life | None = None) -> list[str]:
        await self._hear()
        return await self._do(lambda tx: self._beat(tx, worker, state, life, self.clock.now()))

    def _beat(self, tx: Transaction, worker: str, state: str | None, life: Life | None, now: float) -> list[str]:
        if life is not None and not self._book.bears(tx, worker, life):
            return []
        known = self._book.is_there(tx) and self._book.beat(tx, worker, now)
        joined = self._joined.get(worker)
        if joined is not None and (not known or state not in (None, joined.state)):
            self._joined[worker] = joined = replace(joined, state=state or joined.state)
            self._book.write(tx, joined, now)
        elif not known:
            return []
        return self._jobs.renew(tx, worker, now)

    async def leave(self, worker: str, *, died: bool = False, life: Life | None = None) -> None:
        await self._hear()
        await self._do(lambda tx: self._leave(tx, worker, died, life))
        self._joined.pop(worker, None)

    def _leave(self, tx: Transaction, worker: str, died: bool, life: Life | None) -> None:
        if life is None or self._book.bears(tx, worker, life):
            self._part(tx, worker, self.clock.now(), blame=died)

    def _patrol(self, tx: Transaction, now: float) -> None:
        """What dead workers had goes back; looked for not more often than twice a second."""
        if 0 <= now - self._patrolled < PATROL:
            return
        for worker in self._book.workers(tx, now):
            if not worker.alive:
                self._part(tx, worker.id, now, blame=worker.state != "stopping")
        self._patrolled = now

    def _part(self, tx: Transaction, worker: str, now: float, *, blame: bool) -> None:
        """A worker is no more; a job that runs once only is to blame in any case."""
        if not self._book.is_there(tx):
            return
        for row in self._jobs.held(tx, worker=worker):
            payload = parse(row.payload, row.attempts)
            if row.cancelled:
                why = read_why(reason(State.CANCELLED, "cancelled", STOPPED, now, worker=worker))
                self._failed.put(tx, Failure(row.uuid, row.queue, row.payload, why))
                self._jobs.remove(tx, [row.id])
                continue
            blamed = blame or payload.marker.once
            marker = replaced(payload.marker, claims=row.token, crashes=payload.marker.crashes + blamed)
            attempts = row.attempts - (self._ways.count_crashes and not blamed)
            self._jobs.put_back(tx, row.id, payload.changed(marker=marker), attempts, now, now)
        self._book.forget(tx, worker)
        for key in [key for key in self._held if key[0] == worker]:
            self._held.pop(key, None)

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        end, pause = time.monotonic() + timeout, FIRST_LOOK
        while (left := end - time.monotonic()) > 0:
            if await self._do(lambda tx: self._is_work(tx, queues), write=False):
                return
            await asyncio.sleep(min(left, pause))
            pause = min(LAST_LOOK, pause * 1.5)

    def _is_work(self, tx: Transaction, queues: Sequence[str]) -> bool:
        now, retry_after = self.clock.now(), self._ways.retry_after
        for name in queues:
            plain = Want(queue=name, now=now, retry_after=retry_after, needles=("",))
            want, left = self._wants.get(name, (plain, frozenset()))
            if self._jobs.is_anything(tx, replace(want, now=now), left):
                return True
        return False

    async def _restarted(self) -> bytes | None:
        key = f"{self._address.cache_prefix}{RESTARTED}"
        called: bytes | None = await self._do(lambda tx: self._book.cached(tx, key), write=False)
        return called

    async def _hear(self) -> None:
        """The server's clock is asked once in a while."""
        asked = time.monotonic()
        if self._server_clock is not None and asked - self._heard > 5.0:
            seconds = await self._do(_server_time, write=False)
            self._server_clock.heard(seconds, asked)
            self._heard = asked


def _server_time(tx: Transaction) -> float:
    return float(tx.rows(f"SELECT {tx.kind.clock}")[0][0])


def _as_left(payload: Payload, row: Waiting) -> Payload:
    """The payload as an outlived reservation left it: with another lease behind it, and a crash if it was ours."""
    if row.token is None:
        return payload
    marker = payload.marker
    crashed = row.counted == row.attempts
    marker = replaced(marker, claims=max(marker.claims, row.token), crashes=marker.crashes + crashed)
    return parse(payload.changed(marker=marker), row.attempts)
