"""The store in PostgreSQL. A job's whole life is here: enqueue, claim, settle. Looking and changing are next door.

Each step is one function in the database (sql/), so that it is one round trip and one transaction (see statements.py).
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from queuemgr.clock import ServerClock, SystemClock
from queuemgr.errors import StoreError
from queuemgr.fault import point
from queuemgr.liveness import is_alive, this_host
from queuemgr.store import REMOTE_LEASE, Claimed

from . import schema
from .address import read_address
from .borrowed import ask_on, ask_on_async
from .database import Database
from .desk import Desk
from .encoding import (
    decode_beat,
    decode_claim,
    decode_numbers,
    decode_roll,
    encode,
    encode_ends,
    encode_jobs,
    encode_reports,
    encode_wish,
    life_of,
)
from .gathering import GatheringNow, enqueued
from .large import PostgresPlace
from .remembering import Remembering
from .statements import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import Job, State
    from queuemgr.liveness import Life
    from queuemgr.store import Claim, Enqueued, Report, Settlement, WorkerInfo

    from .encoding import ClaimAnswer
    from .wire import Wire

PATROL = 0.25
BEAT_AT_LEAST = 1.0


class PostgresStore(Desk):
    """`postgresql://user:password@host:port/database`, with libpq's options and ours (address.py)."""

    lease = REMOTE_LEASE
    remote = True

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.url = url
        self._address = read_address(url)
        self._own_clock = clock
        self._server_clock = ServerClock(SystemClock())
        self.clock: Clock = clock or self._server_clock
        self._db = Database(self._address, self._given, self._server_clock.heard)
        self._gathering = GatheringNow(self._db.producers, self._given)
        self._remembering = Remembering(self.clock.monotonic)
        self._patrolled = 0.0
        self._joined: dict[str, WorkerInfo] = {}
        # Each is larger than any of a process that had the worker's name before.
        self._numbers = count(time.time_ns())
        self._tickets: dict[str, int] = {}
        self._next_due = 0.0
        self._doubtful = False

    def _given(self) -> float | None:
        """The moment, where somebody gave us a clock. Otherwise it is the server's to tell."""
        return None if self._own_clock is None else self._own_clock.now()

    @cached_property
    def results(self) -> PostgresPlace:
        """Where large results are kept unless the App names another place."""
        return PostgresPlace(self.url)

    async def open(self) -> None:
        await self._db.open()

    async def close(self) -> None:
        self._db.close()
        if "results" in vars(self):
            self.results.close()

    async def schema(self) -> tuple[int, int]:
        """The version of its tables, 0 where there are none, and the one that is needed."""
        return await self._db.run_unprepared(lambda connection: schema.versions(connection, self._address))

    async def migrate(self) -> tuple[int, int]:
        """Bring the tables up to date; the versions before and after. Raises NewerStore, ForeignStore."""
        return await self._db.run_unprepared(lambda connection: schema.migrate(connection, self._address))

    # enqueue

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        wires = await self._db.wires()
        point("enqueue.inserted")
        done = await wires.gathering.enqueue(jobs)
        point("enqueue.committed")
        return done

    def enqueue_now(self, jobs: Sequence[Job]) -> list[Enqueued]:
        self._db.open_now()
        point("enqueue.inserted")
        done = self._gathering.enqueue(jobs)
        point("enqueue.committed")
        return done

    def enqueue_on(self, connection: Any, jobs: Sequence[Job]) -> list[Enqueued]:
        """Enqueue inside the transaction of the caller's connection, cursor or session to the same database.

        psycopg, psycopg2, SQLAlchemy and Django are known. Raises ConfigError, JobExists; what PostgreSQL itself
        refuses comes as the error of the caller's own driver.
        """
        self._db.open_now()
        return enqueued(jobs, ask_on(connection, self._address, encode_jobs(jobs), self._given(), self._db.mark))

    async def enqueue_on_async(self, connection: Any, jobs: Sequence[Job]) -> list[Enqueued]:
        """The same for asynchronous connections, cursors and sessions of psycopg, SQLAlchemy and asyncpg."""
        await self._db.open()
        answer = await ask_on_async(connection, self._address, encode_jobs(jobs), self._given(), self._db.mark)
        return enqueued(jobs, answer)

    # claim

    async def claim(self, claim: Claim) -> Claimed:
        begin = (await self._db.wires()).begin
        await self._patrol(begin)
        again = claim.worker in self._tickets
        ticket = self._tickets.setdefault(claim.worker, next(self._numbers))
        wish = encode_wish(claim, ticket, self.lease, life_of(self._joined.get(claim.worker)))
        if self._next_due <= self.clock.now():
            point("promote.updated")
        point("claim.updated")
        answer = await self._claim(begin, wish, again=again)
        if not answer.known:
            # It takes nobody's place: whoever bears its name by now came after it.
            await self._join(self._joined[claim.worker])
            answer = await self._claim(begin, wish, again=again)
        if answer.another:
            reason = f"another process works as {claim.worker!r}: give each worker a name of its own"
            raise StoreError(f"{self._address.shown}: {reason}")
        # Until here the answer may have been lost, and with it jobs that nobody would run: then it is asked for again.
        self._tickets.pop(claim.worker, None)
        self._next_due = inf if answer.due is None else answer.due
        point("claim.committed")
        return Claimed(answer.taken(), answer.due)

    async def _claim(self, begin: Wire, wish: bytes, *, again: bool) -> ClaimAnswer:
        given, asked_at = self._given(), time.monotonic()
        question = Question("claim", (wish, again, given), again=(wish, True, given))
        answer = decode_claim(await begin.ask(question) or b"")
        self._server_clock.heard(answer.now, asked_at)
        return answer

    async def _patrol(self, begin: Wire) -> None:
        """Take back the jobs of the dead: of those on this machine the kernel knows, of others their silence tells."""
        now = self.clock.now()
        if 0 <= now - self._patrolled < PATROL:
            return
        self._patrolled = now
        roll = decode_roll(await begin.ask(Question("roll", (self._given(),))) or b"")
        for worker, host, pid, birth, beat_at, _ in roll.workers or ():
            if not is_alive(host, pid, birth, roll.now - beat_at, self.lease):
                # Only the silent can prove by a beat that they live.
                beat = None if host == this_host() else beat_at
                point("reclaim.updated")
                await begin.ask(Question("bury", (worker, host, pid, birth, beat, self._given())))

    # settle

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        if not settlements:
            return []
        end = (await self._db.wires()).end
        ends = encode_ends(settlements)
        point("settle.updated")
        try:
            answer = await end.ask(Question("settle", (*ends, self._doubtful), again=(*ends, True)))
        except BaseException:
            # Perhaps they were taken, and only the answer was lost: if they come again, they count as taken.
            self._doubtful = True
            raise
        self._doubtful = False
        point("settle.committed")
        counted = frozenset(decode_numbers(answer or b"null") or ())
        return [number in counted for number in range(len(settlements))]

    async def report(self, reports: Sequence[Report]) -> None:
        if reports:
            end = (await self._db.wires()).end
            await end.ask(Question("report", (encode_reports(reports),), repeats=False))

    # the worker

    async def join(self, worker: WorkerInfo) -> None:
        bearer = await self._join(worker)
        while bearer is not None:
            # Only who lives can ask a second time: what a dead process sent and comes late replaces nobody.
            bearer = await self._join(worker, bearer)

    async def _join(self, worker: WorkerInfo, instead: bytes | None = None) -> bytes | None:
        """None where it has joined, else the life of the other process that bears its name."""
        end = (await self._db.wires()).end
        if self._own_clock is None:
            # The worker may have told the time before it was heard from the server.
            worker = replace(worker, started_at=self.clock.now(), beat_at=self.clock.now())
        bearer = await end.ask(Question("join_worker", (encode(worker), instead, self._given())))
        self._joined[worker.id] = worker
        return bearer

    async def beat(self, worker: str, state: str | None = "running", *, life: Life | None = None) -> list[str]:
        end = (await self._db.wires()).end
        asked_at = time.monotonic()
        question = Question("beat", (worker, self._life(worker, life), state, BEAT_AT_LEAST, self._given()))
        told = decode_beat(await end.ask(question) or b"")
        self._server_clock.heard(told.now, asked_at)
        if not told.known and worker in self._joined:
            joined = replace(self._joined[worker], beat_at=told.now, state=state or self._joined[worker].state)
            await self._join(joined)
        return told.cancelled or []

    async def leave(self, worker: str, *, died: bool = False, life: Life | None = None) -> None:
        end = (await self._db.wires()).end
        question = Question("leave", (worker, self._life(worker, life), self._given(), died))
        self._joined.pop(worker, None)
        await end.ask(question)

    def _life(self, worker: str, life: Life | None = None) -> bytes | None:
        """By which process a worker is told from others that had its name before."""
        life = life or life_of(self._joined.get(worker))
        return None if life is None else encode(life)

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        await (await self._db.wires()).waiting.for_work(queues, timeout)

    async def wait_finished(self, job_id: str, timeout: float | None) -> State | None:
        return await (await self._db.wires()).waiting.for_end(job_id, timeout)
