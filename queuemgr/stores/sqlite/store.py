"""The embedded store. A job's whole life is here: enqueue, claim, settle. Looking, changing and keeping are next door.

Every method is one transaction; those that wait at the same moment share a commit (see database.py).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.clock import SystemClock
from queuemgr.errors import ConfigError, JobExists, did_you_mean
from queuemgr.fault import point
from queuemgr.job import Job, Lease, State
from queuemgr.store import LEASE, Claimed, Enqueued

from . import control, keys, reading, reclaim, schedules
from .database import DURABILITY, Database
from .waiting import Waiting

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import JobRecord
    from queuemgr.schedule import Schedule
    from queuemgr.store import (
        Claim,
        OutputLine,
        Page,
        Query,
        QueueInfo,
        Report,
        ScheduleInfo,
        Settlement,
        WorkerInfo,
    )

MOST_PROMOTED = 500
PATROL = 0.25

_INSERT = """
INSERT INTO queuemgr_jobs (id, state, queue, task, priority, run_at, created_at, keep, at_most_once, unique_key,
                           tags, options, crash_budget, args)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
_PROMOTE = """
UPDATE queuemgr_jobs SET state = 1 WHERE seq IN
    (SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0 AND run_at <= ?
     ORDER BY run_at LIMIT ?)
"""
_LEASE = """
UPDATE queuemgr_jobs SET state = 2, worker = ?, attempt = attempt + 1, started_at = ?, progress = NULL, note = NULL
WHERE seq IN ({which})
RETURNING seq, id, task, queue, attempt, failures, crashes, at_most_once, options, args, priority
"""
_READY = _LEASE.format(
    which="""SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_ready WHERE state = 1 AND crashes = 0 AND queue = ?
             ORDER BY priority DESC, seq LIMIT ?"""
)
_SUSPECT = _LEASE.format(
    which="""SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_suspect WHERE state = 1 AND crashes > 0
             AND queue IN (SELECT value FROM json_each(?)) AND queue NOT IN (SELECT queue FROM queuemgr_paused)
             AND NOT EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY queuemgr_running
                             WHERE state = 2 AND worker = ? AND crashes > 0)
             ORDER BY seq LIMIT ?"""
)
_PARKED = _LEASE.format(
    which="""SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_parked
             WHERE state = 4 AND task IN (SELECT value FROM json_each(?))
             AND queue IN (SELECT value FROM json_each(?)) AND queue NOT IN (SELECT queue FROM queuemgr_paused)
             ORDER BY seq LIMIT ?"""
)
_SETTLE = """
UPDATE queuemgr_jobs SET state = ?, done = ?, run_at = coalesce(?, run_at), finished_at = ?,
    expires_at = ? + CASE ? WHEN 6 THEN max(coalesce(keep, 0), ?) ELSE coalesce(keep, ?) END,
    failures = failures + ?, crashes = crashes + ?, worker = NULL, error = ?, result = ?,
    progress = CASE WHEN ? = 5 THEN 100 ELSE progress END
WHERE seq = ? AND id = ? AND attempt = ? AND worker = ? AND state = 2 RETURNING unique_key, cancel
"""
_ATTEMPT = "INSERT OR REPLACE INTO queuemgr_attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NEXT_DUE = """
SELECT min(moment) FROM (SELECT min(run_at) AS moment FROM queuemgr_jobs INDEXED BY queuemgr_scheduled WHERE state = 0
                         UNION ALL SELECT min(next_at) FROM queuemgr_schedules WHERE next_at IS NOT NULL)
"""

_dump = msgspec.json.Encoder().encode
_load = msgspec.json.Decoder().decode


class SqliteStore:
    """`sqlite:///relative.db`, `sqlite:////absolute.db`, with `?durability=full` to survive the loss of power too."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        path, durability = _read(url)
        self.url = url
        self.path = path
        self._clock: Clock = clock or SystemClock()
        self._db = Database(path, durability)
        self._waiting = Waiting(self._db, self._clock)
        self._patrolled = 0.0
        self._beaten: dict[str, str] = {}
        self._beaten_at = 0.0

    async def open(self) -> None:
        self._db.open()

    async def close(self) -> None:
        self.close_now()

    def close_now(self) -> None:
        self._waiting.close()
        self._db.close()

    # enqueue

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        return await self._db.awrite(partial(self._enqueue, jobs))

    def enqueue_now(self, jobs: Sequence[Job]) -> list[Enqueued]:
        done = self._db.write(partial(self._enqueue, jobs))
        point("enqueue.committed")
        return done

    def enqueue_on(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> list[Enqueued]:
        """Enqueue inside the transaction of the caller's own connection to the same file."""
        self._db.open()
        control.require_same_file(connection, self.path)
        return self._enqueue(jobs, connection)

    def _enqueue(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Enqueued]:
        now = self._clock.now()
        done: list[Enqueued] = []
        for job in jobs:
            answer = _resolve_unique(connection, job, now) if job.unique else Enqueued(job.id)
            done.append(answer)
            if answer.existing:
                continue
            inserted = connection.execute(_INSERT, _row(job, now))
            if job.tags and inserted.rowcount:
                tags = ((tag, inserted.lastrowid) for tag in job.tags)
                connection.executemany("INSERT OR IGNORE INTO queuemgr_tags VALUES (?, ?)", tags)
        point("enqueue.inserted")
        return done

    # claim

    async def claim(self, claim: Claim) -> Claimed:
        claimed = await self._db.awrite(partial(self._claim, claim))
        point("claim.committed")
        return claimed

    def _claim(self, claim: Claim, connection: sqlite3.Connection) -> Claimed:
        now = self._clock.now()
        if not 0 <= now - self._patrolled < PATROL:
            self._patrolled = now
            reclaim.take_back_from_the_dead(connection, now)
        if connection.execute(_PROMOTE, (now, MOST_PROMOTED)).rowcount:
            point("promote.updated")
        rows = self._lease_rows(claim, connection, now) if claim.limit > 0 else []
        leases = [_lease(row, now) for row in rows]
        if leases:
            point("claim.updated")
        return Claimed(leases, connection.execute(_NEXT_DUE).fetchone()[0])

    def _lease_rows(self, claim: Claim, connection: sqlite3.Connection, now: float) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        paused = {name for (name,) in connection.execute("SELECT queue FROM queuemgr_paused")}
        names = _dump([name for name, _ in claim.queues]).decode()

        def lease(sql: str, *which: Any) -> None:
            most = min(claim.limit - len(rows), which[-1])
            if most > 0:
                rows.extend(connection.execute(sql, (claim.worker, now, *which[:-1], most)))

        if _any(connection, "queuemgr_suspect", "state = 1 AND crashes > 0"):
            lease(_SUSPECT, names, claim.worker, 1)
        if _any(connection, "queuemgr_parked", "state = 4"):
            lease(_PARKED, _dump(list(claim.tasks)).decode(), names, claim.limit)
        # First each queue its share; then what is left over to whoever has work.
        for name, share in claim.queues:
            if name not in paused:
                lease(_READY, name, share)
        for name, share in claim.queues:
            if name not in paused and share < claim.limit:
                lease(_READY, name, claim.limit)
        rows.sort(key=lambda row: (-row[10], row[0]))
        return rows

    # settle

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        settled = await self._db.awrite(partial(self._settle, settlements))
        point("settle.committed")
        return settled

    def _settle(self, settlements: Sequence[Settlement], connection: sqlite3.Connection) -> list[bool]:
        settled = [self._settle_one(settlement, connection) for settlement in settlements]
        point("settle.updated")
        return settled

    def _settle_one(self, ended: Settlement, connection: sqlite3.Connection) -> bool:
        verdict, lease = ended.verdict, ended.lease
        final = verdict.state >= State.SUCCEEDED
        error = ended.error or ({"message": verdict.reason} if verdict.reason else None)
        text = _dump(error).decode() if error else None
        row = connection.execute(
            _SETTLE,
            (
                verdict.state,
                verdict.state if final else 0,
                verdict.run_at,
                ended.ended_at if final else None,
                ended.ended_at if final else None,
                verdict.state,
                ended.keep,
                ended.keep,
                verdict.failed,
                verdict.crashed,
                _with_reason(error, verdict.reason),
                ended.result,
                verdict.state,
                lease.key,
                lease.id,
                lease.attempt,
                ended.worker,
            ),
        ).fetchone()
        if row is None:
            return False
        connection.execute(
            _ATTEMPT,
            (
                lease.key,
                lease.attempt,
                ended.worker,
                lease.started_at,
                ended.ended_at,
                verdict.word,
                text,
                ended.exit_signal,
                ended.peak_memory,
            ),
        )
        unique_key, cancelled = row
        if cancelled and not final:
            control.cancel_waiting(connection, lease.id, ended.ended_at, ended.keep)
        elif unique_key is not None and final:
            control.free_unique(connection, lease.id, ended.ended_at)
        return True

    async def report(self, reports: Sequence[Report]) -> None:
        await self._db.awrite(partial(control.report, reports))

    # the worker

    async def join(self, worker: WorkerInfo) -> None:
        await self._db.awrite(partial(control.join, worker))

    async def beat(self, worker: str, state: str = "running") -> list[str]:
        now = self._clock.now()
        if self._beaten.get(worker) == state and 0 <= now - self._beaten_at < LEASE / 3:
            return self._db.peek(partial(control.cancelled, worker))
        self._beaten, self._beaten_at = {worker: state}, now
        return await self._db.awrite(partial(control.beat, worker, state, now))

    async def leave(self, worker: str) -> None:
        await self._db.awrite(partial(reclaim.leave, worker, self._clock.now()))

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        await self._waiting.for_work(queues, timeout)

    async def wait_finished(self, job_id: str, timeout: float | None) -> State | None:
        return await self._waiting.for_end(job_id, timeout)

    # looking

    async def get(self, job_id: str) -> JobRecord:
        return await self._db.aread(partial(reading.get, job_id))

    async def arguments(self, job_id: str) -> bytes:
        return await self._db.aread(partial(reading.arguments, job_id))

    async def result(self, job_id: str) -> bytes | None:
        return await self._db.aread(partial(reading.result, job_id))

    async def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]:
        return await self._db.aread(partial(reading.output, job_id, after, limit))

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page:
        return await self._db.aread(partial(reading.find, query, limit, after))

    async def count(self, query: Query) -> int:
        return await self._db.aread(partial(reading.count, query))

    async def queues(self) -> list[QueueInfo]:
        return await self._db.aread(reading.queues)

    async def workers(self) -> list[WorkerInfo]:
        return await self._db.aread(reading.workers)

    # changing

    async def change(self, verb: str, query: Query) -> int:
        return await self._db.awrite(partial(control.change, verb, query, self._clock.now()))

    async def pause(self, queue: str) -> None:
        await self._db.awrite(partial(control.pause, queue))

    async def resume(self, queue: str) -> None:
        await self._db.awrite(partial(control.resume, queue))

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None:
        await self._db.awrite(partial(schedules.put, schedule, next_at))

    async def schedules(self) -> list[ScheduleInfo]:
        return await self._db.aread(schedules.all_of)

    async def remove_schedule(self, name: str) -> bool:
        return await self._db.awrite(partial(schedules.remove, name))

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        return await self._db.awrite(partial(schedules.fire, name, due, next_at, jobs, self._enqueue))

    async def prune(self, limit: int = 1000) -> int:
        return await self._db.awrite(partial(control.prune, self._clock.now(), limit))

    async def key_get(self, key: str) -> bytes | None:
        return await self._db.aread(partial(keys.get, key, self._clock.now()))

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        return await self._db.awrite(partial(keys.put_if_absent, key, value, ttl, self._clock.now()))

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        return await self._db.awrite(partial(keys.add, key, amount, ttl, self._clock.now()))

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        return await self._db.awrite(partial(keys.remove_if, key, value))


def _read(url: str) -> tuple[Path, str]:
    address, _, query = url.removeprefix("sqlite://").partition("?")
    if not address.startswith("/") or len(address) < 2 or ":memory:" in address:
        raise ConfigError(f"{url!r} names no file: write sqlite:///jobs.db, or sqlite:////full/path/jobs.db")
    durability = "normal"
    for part in filter(None, query.split("&")):
        name, _, durability = part.partition("=")
        if name != "durability" or durability not in DURABILITY:
            known = [f"durability={level}" for level in DURABILITY]
            raise ConfigError(f"{part!r} in {url!r} means nothing: {did_you_mean(part, known)}")
    return Path(address[1:]).expanduser().absolute(), durability


def _any(connection: sqlite3.Connection, index: str, condition: str) -> bool:
    found = f"SELECT EXISTS (SELECT 1 FROM queuemgr_jobs INDEXED BY {index} WHERE {condition})"
    return bool(connection.execute(found).fetchone()[0])


def _row(job: Job, now: float) -> tuple[Any, ...]:
    state = State.READY
    if job.held:
        state = State.HELD
    elif job.run_at is not None and job.run_at > now:
        state = State.SCHEDULED
    return (
        job.id,
        state,
        job.queue,
        job.task,
        job.priority,
        job.run_at,
        job.created_at,
        job.keep,
        job.at_most_once,
        job.unique.key if job.unique else None,
        _dump(job.tags).decode() if job.tags else None,
        _dump(job.options).decode() if job.options else None,
        job.crash_budget,
        job.args,
    )


def _resolve_unique(connection: sqlite3.Connection, job: Job, now: float) -> Enqueued:
    assert job.unique is not None
    key, window = job.unique.key, job.unique.window
    taken = "SELECT job FROM queuemgr_unique WHERE key = ? AND (NOT finished OR expires_at > ?)"
    held = connection.execute(taken, (key, now)).fetchone()
    replaced = None
    if held and held[0] != job.id:
        match job.unique.on_conflict:
            case "existing":
                return Enqueued(held[0], existing=True)
            case "replace":
                replaced = held[0]
                control.replace(connection, replaced, job.id, now)
            case _:
                raise JobExists(key, held[0])
    expires = None if window is None else now + window
    connection.execute("INSERT OR REPLACE INTO queuemgr_unique VALUES (?, ?, ?, 0)", (key, job.id, expires))
    return Enqueued(job.id, replaced=replaced)


def _lease(row: tuple[Any, ...], now: float) -> Lease:
    seq, job_id, task, queue, attempt, failures, crashes, once, options, args, _ = row
    try:
        overrides = _load(options) if options else None
        if not isinstance(args, bytes):
            args = b""
    except (msgspec.DecodeError, TypeError):
        # A damaged row must not stop the claim: without readable arguments it ends among the dead, its bytes kept.
        overrides, args = None, b""
    return Lease(seq, job_id, task, queue, attempt, failures, crashes, bool(once), overrides, args, now)


def _with_reason(error: dict[str, Any] | None, reason: str | None) -> str | None:
    if error is None:
        return None
    return _dump({**error, "reason": reason} if reason else error).decode()
