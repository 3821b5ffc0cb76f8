"""The embedded store. A job's whole life is here: enqueue, claim, settle. Looking and changing are next door (desk.py).

Every method is one transaction; those that wait at the same moment share a commit (see database.py).
"""

from __future__ import annotations

from functools import partial
from heapq import nsmallest
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.clock import SystemClock
from queuemgr.fault import point
from queuemgr.job import Job, Lease, State, next_order, order_of
from queuemgr.keeping import error_with
from queuemgr.store import LEASE, Claimed, Enqueued

from . import bulk, control, counting, limits, reclaim, schedules, statements, unique
from .borrowed import borrowed
from .database import Database
from .desk import Desk
from .finding import REACH, find_seq
from .opening import read_url
from .waiting import Waiting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from queuemgr.clock import Clock
    from queuemgr.liveness import Life
    from queuemgr.store import Claim, Report, Settlement, WorkerInfo

MOST_PROMOTED = 500
PATROL = 0.25

_STATE = statements.COLUMNS.index("state")

_dump = msgspec.json.Encoder().encode
_load = msgspec.json.Decoder().decode


class SqliteStore(Desk):
    """`sqlite:///relative.db`, `sqlite:////absolute.db`, with `?durability=full` to survive the loss of power too."""

    lease = LEASE
    remote = False

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        path, durability = read_url(url)
        self.url = url
        self.path = path
        self.clock = self._clock = clock or SystemClock()
        self._db = Database(path, durability)
        self._waiting = Waiting(self._db, self._clock)
        self._patrolled = 0.0
        self._joined: dict[str, WorkerInfo] = {}

    async def open(self) -> None:
        self._db.open()

    async def close(self) -> None:
        self.close_now()

    def close_now(self) -> None:
        self._waiting.close()
        self._db.close()

    # enqueue

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        done = await self._db.awrite(partial(self._enqueue, jobs))
        point("enqueue.committed")
        return done

    def enqueue_now(self, jobs: Sequence[Job]) -> list[Enqueued]:
        if not (len(jobs) == 1 and (done := self._enqueue_alone(jobs[0]))):
            done = self._db.write(partial(self._enqueue, jobs))
        point("enqueue.committed")
        return done

    def _enqueue_alone(self, job: Job) -> list[Enqueued]:
        """A plain new job is one statement, which is a transaction of its own; nothing where it is not as plain."""
        order = order_of(job.id)
        if job.unique is not None or job.tags or order is None:
            return []
        row = _row(job, order, False, self._clock.now())

        def insert(connection: sqlite3.Connection) -> bool:
            is_there = _insert_newer(row, connection)
            point("enqueue.inserted")
            return is_there

        return [Enqueued(job.id)] if self._db.write(insert, single=True) else []

    def enqueue_on(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> list[Enqueued]:
        """Enqueue inside the transaction of the caller's own connection to the same file."""
        self._db.open()
        with borrowed(connection, self.path):
            return self._enqueue(jobs, connection)

    def _enqueue(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Enqueued]:
        now = self._clock.now()
        accept = partial(_accept, connection, now)
        if len(jobs) < bulk.FEW:
            done = list(map(accept, jobs))
        else:
            done = bulk.accept(connection, jobs, accept, lambda job: _row(job, 0, False, now))
        point("enqueue.inserted")
        return done

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        return await self._db.awrite(partial(schedules.fire, name, due, next_at, jobs, self._enqueue))

    # claim

    async def claim(self, claim: Claim) -> Claimed:
        work = partial(self._claim, claim)
        if claim.idle:
            # Nothing in this loop can be held up, and two changes of thread take longer than the claim.
            claimed = self._db.write(work, quiet=True)
        else:
            claimed = await self._db.awrite(work, quiet=True)
        point("claim.committed")
        return claimed

    def _claim(self, claim: Claim, connection: sqlite3.Connection) -> Claimed:
        now = self._clock.now()
        if not 0 <= now - self._patrolled < PATROL:
            self._patrolled = now
            reclaim.take_back_from_the_dead(connection, now)
        if claim.worker in self._joined:
            reclaim.keep_known(self._joined[claim.worker], now, connection)
        next_due, upto, *few = connection.execute(statements.LOOK).fetchone()
        if next_due is not None and next_due <= now:
            if connection.execute(statements.PROMOTE, (now, MOST_PROMOTED)).rowcount:
                point("promote.updated")
            next_due, upto, *few = connection.execute(statements.LOOK).fetchone()
        rows = _lease_rows(_Taking(claim, connection, now, upto), *map(bool, few)) if claim.limit > 0 else []
        leases = [_lease(row, now) for row in rows]
        if leases:
            point("claim.updated")
        return Claimed(leases, next_due)

    # settle

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        settled = await self._db.awrite(partial(self._settle, settlements))
        point("settle.committed")
        return settled

    def _settle(self, settlements: Sequence[Settlement], connection: sqlite3.Connection) -> list[bool]:
        settled = [self._settle_one(settlement, connection) for settlement in settlements]
        (upto,) = connection.execute(statements.UPTO).fetchone()
        counted = [
            (one.lease.queue, one.lease.task, State.RUNNING)
            for one, done in zip(settlements, settled, strict=True)
            if done and one.verdict.state is State.SUCCEEDED and int(one.lease.key) <= upto
        ]
        if counted:
            counting.move(connection, counted, State.SUCCEEDED)
        point("settle.updated")
        return settled

    def _settle_one(self, ended: Settlement, connection: sqlite3.Connection) -> bool:
        verdict, lease, began, now = ended.verdict, ended.lease, ended.lease.started_at, ended.ended_at
        mine = (lease.key, lease.id, lease.attempt, ended.worker)
        state, failed, crashed = verdict.state, verdict.failed, verdict.crashed
        error = _error_text(ended)
        known: Any
        if state is State.SUCCEEDED:
            known = connection.execute(statements.SUCCEED, (began, now, now, ended.result, *mine)).rowcount
        elif state.finished:
            values = (state, state, failed, crashed, began, now, error, ended.result, now, state, *mine)
            known = connection.execute(statements.END, values).rowcount
        else:
            known = connection.execute(
                statements.AGAIN, (state, verdict.run_at, failed, crashed, error, *mine)
            ).fetchone()
        if not known:
            return False
        # A plain success stands in the job itself; the history is told from there (reading.py).
        if state is not State.SUCCEEDED or ended.peak_memory is not None:
            connection.execute(statements.ATTEMPT, _attempt(ended, error))
        if not state.finished:
            if known[0]:
                control.cancel_waiting(connection, lease.key, lease.id, now)
        elif lease.unique:
            control.free_unique(connection, lease.id, now)
        return True

    async def report(self, reports: Sequence[Report]) -> None:
        await self._db.awrite(partial(control.report, reports), quiet=True)

    # the worker

    async def join(self, worker: WorkerInfo) -> None:
        await self._db.awrite(partial(reclaim.join, worker, self._clock.now()))
        self._joined[worker.id] = worker

    async def beat(self, worker: str, state: str | None = "running", *, life: Life | None = None) -> list[str]:
        fresh = partial(control.cancelled_if_fresh, worker, state, self._clock.now())
        cancelled = None if life else self._db.peek(fresh)
        return cancelled if cancelled is not None else await self._db.awrite(partial(self._beat, worker, state, life))

    def _beat(self, worker: str, state: str | None, life: Life | None, connection: sqlite3.Connection) -> list[str]:
        now = self._clock.now()
        if life is not None and not reclaim.bears(worker, life, connection):
            return []
        if worker in self._joined:
            reclaim.keep_known(self._joined[worker], now, connection)
        return control.beat(worker, state, now, connection)

    async def leave(self, worker: str, *, died: bool = False, life: Life | None = None) -> None:
        self._joined.pop(worker, None)
        await self._db.awrite(partial(reclaim.leave, worker, self._clock.now(), died=died, life=life))

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        await self._waiting.for_work(queues, timeout)

    async def wait_finished(self, job_id: str, timeout: float | None) -> State | None:
        return await self._waiting.for_end(job_id, timeout)


def _accept(connection: sqlite3.Connection, now: float, job: Job) -> Enqueued:
    answer = unique.resolve(connection, job, now) if job.unique else Enqueued(job.id)
    if not answer.existing:
        seq = _insert(connection, job, now)
        if job.tags and seq is not None:
            tags = ((tag, seq) for tag in job.tags)
            connection.executemany("INSERT OR IGNORE INTO queuemgr_tags VALUES (?, ?)", tags)
    return answer


def _insert_newer(row: tuple[Any, ...], connection: sqlite3.Connection) -> bool:
    """Whether the row is there now; not if its place is taken, or older jobs than it are counted already."""
    return connection.execute(statements.INSERT_NEWER, (*row, row[0])).rowcount > 0


def _insert(connection: sqlite3.Connection, job: Job, now: float) -> int | None:
    """The row's number; None if the job is there already."""
    order = order_of(job.id)
    if order is not None and _insert_newer(_row(job, order, False, now), connection):
        return order
    for seq, named in _places(order):
        row = _row(job, seq, named, now)
        if connection.execute(statements.INSERT, row).rowcount:
            counting.appear(connection, job.queue, job.task, row[_STATE], seq)
            return seq
        if find_seq(connection, job.id) is not None:
            return None
    return None


def _places(order: int | None) -> Iterator[tuple[int, bool]]:
    """Where a row may stand, and whether it is `named`."""
    if order is not None:
        yield from ((seq, False) for seq in range(order, order + REACH))
    while True:
        yield next_order(), True


def _row(job: Job, seq: int, named: bool, now: float) -> tuple[Any, ...]:
    state = State.READY
    run_at = job.run_at if job.delay is None else now + job.delay
    if job.held:
        state = State.HELD
    elif run_at is not None and run_at > now:
        state = State.SCHEDULED
    return (
        seq,
        job.id,
        named,
        state,
        job.queue,
        job.task,
        job.priority,
        run_at,
        job.created_at,
        job.keep,
        job.at_most_once,
        job.unique.key if job.unique else None,
        _dump(job.tags).decode() if job.tags else None,
        _dump(job.options).decode() if job.options else None,
        job.crash_budget,
        job.args,
    )


class _Taking:
    """The rows that a claim takes, and which of those that are counted were what."""

    def __init__(self, claim: Claim, connection: sqlite3.Connection, now: float, upto: int) -> None:
        self.rooms: dict[str, int] = {}
        self.claim = claim
        self.connection = connection
        self.now = now
        self.upto = upto
        self.tasks: str | None = None
        self.rows: list[tuple[Any, ...]] = []
        self.counted: list[tuple[str, str, int]] = []

    def room(self, queue: str, most: int) -> int:
        """How many of at most so many jobs of the queue may be taken."""
        return min(self.claim.limit - len(self.rows), most, self.rooms.get(queue, most))

    def take(self, sql: str, was: State, queue: str, most: int, *which: Any) -> int:
        most = self.room(queue, most)
        if most <= 0:
            return 0
        rows = self.connection.execute(sql, (self.claim.worker, self.now, *which, most)).fetchall()
        self.rows += rows
        if queue in self.rooms:
            self.rooms[queue] -= len(rows)
        self.counted += ((row[3], row[2], was) for row in rows if row[0] <= self.upto)
        return len(rows)

    def take_from(self, queue: str, most: int) -> None:
        if self.tasks is not None:
            most -= self.take(statements.PARKED, State.PARKED, queue, most, self.tasks, queue)
        most = self.room(queue, most)
        if most <= 0:
            return
        one, other = self.connection.execute(statements.ENDS, (queue, queue)).fetchone()
        if one == other:
            self.take(statements.READY, State.READY, queue, most, queue, one)
        else:
            first = _first_of(self.connection, queue, most)
            self.take(statements.CHOSEN, State.READY, queue, most, _dump(first).decode())


def _lease_rows(taking: _Taking, parked: bool, suspects: bool, paused: bool, limited: bool) -> list[tuple[Any, ...]]:
    claim, connection = taking.claim, taking.connection
    resting = {name for (name,) in connection.execute("SELECT queue FROM queuemgr_paused")} if paused else ()
    queues = [(name, share) for name, share in claim.queues if name not in resting]
    if limited:
        taking.rooms = limits.rooms(connection)
    if parked:
        taking.tasks = _dump(list(claim.tasks)).decode()
    for name, _ in queues if suspects or parked else ():
        taking.take(statements.SUSPECT, State.READY, name, 1, name, claim.worker)
        taking.take(statements.PARKED_SUSPECT, State.PARKED, name, 1, taking.tasks or "[]", name, claim.worker)
    # First each queue its share; then what is left over to whoever has work.
    for name, share in queues:
        taking.take_from(name, share)
    for name, share in queues:
        if share < claim.limit and len(taking.rows) < claim.limit:
            taking.take_from(name, claim.limit)
    if taking.counted:
        counting.move(connection, taking.counted, State.RUNNING)
    return sorted(taking.rows, key=lambda row: (-row[11], row[0]))


def _first_of(connection: sqlite3.Connection, queue: str, most: int) -> list[int]:
    """The first ready jobs of a queue, merged from its lanes."""
    lanes = [task for (task,) in connection.execute(statements.TASKS, (queue, queue))]

    def heads(number: int) -> list[tuple[int, int, str]]:
        found = (connection.execute(statements.FIRST_READY, (queue, task, number)).fetchall() for task in lanes)
        return nsmallest(most, chain.from_iterable(found))

    if len(lanes) > most:
        # Only a lane whose first job is among the first can hold another one of them.
        lanes = [task for *_, task in heads(1)]
    return [seq for _, seq, _ in heads(most)]


def _lease(row: tuple[Any, ...], now: float) -> Lease:
    seq, job_id, task, queue, attempt, failures, crashes, once, options, args, unique, _ = row
    try:
        overrides = msgspec.convert(_load(options), dict[str, Any]) if options else None
        if not isinstance(args, bytes):
            args = b""
    except (msgspec.MsgspecError, TypeError):
        # A damaged row must not stop the claim: without readable arguments it ends among the dead, its bytes kept.
        overrides, args = None, b""
    held = unique is not None
    return Lease(seq, job_id, task, queue, attempt, failures, crashes, bool(once), overrides, args, now, held)


def _error_text(ended: Settlement) -> str | None:
    error = error_with(ended.verdict.reason, ended.error)
    return None if error is None else _dump(error).decode()


def _attempt(ended: Settlement, error: str | None) -> tuple[Any, ...]:
    lease, word = ended.lease, ended.verdict.word
    times = (lease.started_at, ended.ended_at)
    return (lease.key, lease.attempt, ended.worker, *times, word, error, ended.exit_signal, ended.peak_memory)
