"""The store on a Redis or Valkey server. A job's whole life is here: enqueue, claim, settle. Looking and changing are
next door (desk.py).

Every step is one script, which does all of it or nothing. A call whose answer was lost is sent again, and says so: the
script then finds what it did the first time, and answers the same. Should the first sending come later than the second,
it does nothing (lua/fence.lua).
"""

from __future__ import annotations

import secrets
from functools import cached_property, lru_cache, partial
from math import inf
from typing import TYPE_CHECKING, Any

from queuemgr.clock import ServerClock, SystemClock
from queuemgr.errors import CorruptStore, JobExists, StoreError
from queuemgr.fault import point
from queuemgr.job import Attempt, State
from queuemgr.keeping import error_with, sound
from queuemgr.liveness import lives, this_host
from queuemgr.outcome import Verdict
from queuemgr.store import REMOTE_LEASE, Claimed, Enqueued, Settlement

from .address import read_address
from .ahead import Ahead
from .desk import Desk
from .large import RedisPlace
from .opening import look_at
from .packing import (
    bare_lease,
    blob,
    is_plain,
    pack_attempt,
    pack_error,
    pack_line,
    packed_job,
    read_lease,
)
from .server import TROUBLE, Server
from .waiting import Waiting
from .workers import pack_worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import Job, Lease
    from queuemgr.liveness import Life
    from queuemgr.store import Claim, Report, WorkerInfo

    from .waiting import Rest

PATROL, LATE_PATROL = 0.25, 1.0
"""Seconds between two looks for dead workers, and how long they wait for a moment in which no job does."""


class RedisStore(Desk):
    """`redis://host:6379/0`, `rediss://`, `unix:///path`, `redis+sentinel://` or `redis+cluster://`.

    Further: `?prefix=name` keeps several apart on one server; all options are in docs/redis.md.
    """

    lease = REMOTE_LEASE
    remote = True

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.url = url
        self._address = read_address(url)
        self._following = ServerClock(SystemClock()) if clock is None else None
        self.clock: Clock = clock or self._following or SystemClock()
        self._server = Server(url, self._address, clock, self._heard)
        self._waiting = Waiting(self._server, self.clock, self._heard)
        self._ahead = Ahead(self._server, self.clock)
        self._patrolled = float("-inf")
        self._joined: dict[str, WorkerInfo] = {}
        self._tasks_wanted = False
        self._next_due = 0.0
        # No other process has the same, not even one that was forked.
        self._numbers = iter(partial(secrets.token_hex, 8), "")
        # Claims of which nobody knows whether they were carried out, by worker.
        self._in_doubt: dict[str, list[str]] = {}
        self._reports_in_doubt: list[tuple[Report, str]] = []
        self._ends_in_doubt = False

    @cached_property
    def results(self) -> RedisPlace:
        """Where large results are kept unless the App names another place."""
        return RedisPlace(self.url)

    async def open(self) -> None:
        await look_at(self._server)

    async def close(self) -> None:
        await self._waiting.close()
        await self._server.close()
        if "results" in vars(self):
            self.results.close()

    def _heard(self, moment: bytes, asked_at: float) -> None:
        if self._following is not None:
            self._following.heard(float(moment), asked_at)

    # enqueue

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        point("enqueue.inserted")
        answer = await self._server.run(*_accepting(jobs))
        point("enqueue.committed")
        return _enqueued(jobs, answer)

    def enqueue_now(self, jobs: Sequence[Job]) -> list[Enqueued]:
        point("enqueue.inserted")
        answer = self._server.run_now(*_accepting(jobs))
        point("enqueue.committed")
        return _enqueued(jobs, answer)

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        firing = {"name": name, "due": due, "next_at": next_at, "number": next(self._numbers)}
        point("tick.inserted")
        fired = await self._server.run("fire", {**firing, "jobs": list(map(packed_job, jobs))})
        return bool(fired)

    # claim

    async def claim(self, claim: Claim) -> Claimed:
        now = self.clock.now()
        ahead = self._ahead.has(claim.worker)
        if not 0 <= now - self._patrolled < (LATE_PATROL if ahead else PATROL):
            self._patrolled = now
            await self._patrol()
        if ahead and (claimed := await self._take(claim.worker, claim)) is not None:
            return claimed
        in_doubt = self._in_doubt.setdefault(claim.worker, [])
        # Who wants none would not know what to do with them.
        again = bool(in_doubt) and claim.limit > 0
        number = in_doubt.pop() if again else next(self._numbers)
        if self._next_due <= now:
            point("promote.updated")
        point("claim.updated")
        try:
            claimed = await self._claim(claim, number, again=again)
        except BaseException:
            self._in_doubt.setdefault(claim.worker, []).append(number)
            raise
        if not in_doubt:
            self._in_doubt.pop(claim.worker, None)
        point("claim.committed")
        return claimed

    async def _claim(self, claim: Claim, number: str, *, again: bool) -> Claimed:
        given = self._wish(claim, number)
        rest = self._waiting.line_up([name for name, _ in claim.queues]) if claim.limit > 0 else None
        if rest is not None:
            given["channel"] = rest.channel
        while True:
            if self._tasks_wanted:
                given["tasks"] = _listed(claim.tasks)
            asked_at = self.clock.monotonic()
            answer = await self._server.run("claim", {**given, "again": True} if again else given)
            match answer[0]:
                case b"unknown":
                    # It takes nobody's place: whoever bears its name by now came after it.
                    await self._join(self._joined[claim.worker], self.clock.now())
                case b"tasks":
                    self._tasks_wanted = True
                case b"another":
                    reason = f"another process works as {claim.worker!r}: give each worker a name of its own"
                    raise StoreError(f"{self._server.place}: {reason}")
                case _:
                    return await self._claimed(given, rest, answer, asked_at)

    def _wish(self, claim: Claim, number: str) -> dict[str, Any]:
        return {
            "worker": claim.worker,
            "number": number,
            "limit": claim.limit,
            "queues": claim.queues,
            "fresh": self.lease / 4,
            **self._life(claim.worker),
        }

    def _life(self, worker: str, life: Life | None = None) -> dict[str, Any]:
        """By which process a worker is told from others that had its name before."""
        if life is None and worker in self._joined:
            life = self._joined[worker].life
        return {} if life is None else {"life": (life[0], f"{life[1]} {life[2]}")}

    async def _claimed(self, given: dict[str, Any], rest: Rest | None, answer: list[Any], asked_at: float) -> Claimed:
        _, now, started, next_due, resting, *told = answer
        self._heard(now, asked_at)
        due = None if next_due is None else float(next_due)
        self._next_due = inf if due is None else due
        if rest is not None and resting:
            rest.stands_in_line(due)
            if "life" in given:
                rest.prepare = partial(self._ahead.prepare, rest, given, self._numbers)
        leases, damaged = _leases(told, float(started))
        if damaged:
            await self.settle([self._undecodable(given["worker"], *one) for one in damaged])
        return Claimed(leases, due)

    def _undecodable(self, worker: str, lease: Lease, reason: str) -> Settlement:
        """What nobody can run ends here: no worker could even tell its task."""
        verdict = Verdict(State.DEAD, "undecodable", reason=reason)
        return Settlement(lease=lease, worker=worker, verdict=verdict, ended_at=self.clock.now())

    async def _take(self, worker: str, claim: Claim | None) -> Claimed | None:
        """What came of a claim that was sent ahead, if that is an answer to `claim`; else it is handed back."""
        sent = self._ahead.take(worker)
        if sent is None:
            return None
        try:
            answer = await sent.answer
            if answer[0] == b"leased":
                claimed = await self._claimed(sent.given, sent.rest, answer, sent.asked_at)
                if claim is not None and sent.fits(claim, claimed):
                    point("claim.committed")
                    return claimed
                await self.settle([self._unbegun(worker, lease) for lease in claimed.leases])
        except BaseException as error:
            self._in_doubt.setdefault(worker, []).append(sent.given["number"])
            if not isinstance(error, TROUBLE):
                raise
        return None

    def _unbegun(self, worker: str, lease: Lease) -> Settlement:
        verdict = Verdict(State.READY, "given back", reason="it had not begun")
        return Settlement(lease=lease, worker=worker, verdict=verdict, ended_at=self.clock.now())

    async def _patrol(self) -> None:
        host = this_host()
        told = await self._server.run("patrol", {"lease": self.lease, "host": host})
        workers = zip(told[::2], told[1::2], strict=True)
        dead = [(worker, life) for worker, life in workers if not lives(*map(int, life.split()))]
        if dead:
            point("reclaim.updated")
            await self._server.run("bury", {"host": host, "dead": [(w.decode(), life.decode()) for w, life in dead]})

    # settle

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        if not settlements:
            return []
        given: dict[str, Any] = {"ended": list(map(_packed_end, settlements))}
        if self._address.keep_finished is not None:
            given["keep"] = self._address.keep_finished
        if self._ends_in_doubt:
            given["again"] = True
        point("settle.updated")
        try:
            answers = await self._server.run("settle", given)
        except BaseException:
            self._ends_in_doubt = True
            raise
        self._ends_in_doubt = False
        point("settle.committed")
        return list(map(bool, answers))

    async def report(self, reports: Sequence[Report]) -> None:
        known = {id(one): number for one, number in self._reports_in_doubt}
        numbered = [(one, known.get(id(one)) or next(self._numbers)) for one in reports]
        try:
            await self._server.run("report", {"reports": [_packed_report(*one) for one in numbered]})
        except BaseException:
            self._reports_in_doubt = numbered
            raise
        self._reports_in_doubt = []

    # the worker

    async def join(self, worker: WorkerInfo) -> None:
        bearer = await self._join(worker, worker.beat_at)
        while bearer is not None:
            # Only who lives can ask a second time: what a dead process sent and comes late replaces nobody.
            bearer = await self._join(worker, worker.beat_at, bearer)
        self._joined[worker.id] = worker

    async def _join(self, worker: WorkerInfo, beat_at: float, instead: bytes | None = None) -> bytes | None:
        """None where it has joined, else the other process that bears its name, as that one was written down."""
        asked_at = self.clock.monotonic()
        told = {"worker": worker.id, "info": pack_worker(worker), "mood": worker.state, "beat_at": beat_at}
        if instead is not None:
            told["instead"] = blob(instead)
        now, *bearer = await self._server.run("join", told)
        self._heard(now, asked_at)
        return bearer[0] if bearer else None

    async def beat(self, worker: str, state: str | None = "running", *, life: Life | None = None) -> list[str]:
        asked_at = self.clock.monotonic()
        known = {"info": pack_worker(self._joined[worker])} if worker in self._joined else {}
        told = {"worker": worker, "mood": state, **self._life(worker, life), **known}
        now, *wanted = await self._server.run("beat", told)
        self._heard(now, asked_at)
        if state in ("stopping", "quiet"):
            await self._take(worker, None)
        return [job_id.decode() for job_id in wanted]

    async def leave(self, worker: str, *, died: bool = False, life: Life | None = None) -> None:
        told = {"worker": worker, "died": died, **self._life(worker, life)}
        self._joined.pop(worker, None)
        self._in_doubt.pop(worker, None)
        self._ahead.take(worker)
        await self._server.run("leave", told)

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        await self._waiting.for_work(queues, timeout)

    async def wait_finished(self, job_id: str, timeout: float | None) -> State | None:
        return await self._waiting.for_end(job_id, timeout)


def _accepting(jobs: Sequence[Job]) -> tuple[str, dict[str, Any]]:
    """The script that accepts the jobs, and what it is told."""
    packed = list(map(packed_job, jobs))
    return "push" if all(map(is_plain, packed)) else "enqueue", {"jobs": packed}


def _enqueued(jobs: Sequence[Job], answer: list[Any]) -> list[Enqueued]:
    match answer:
        case [b"all"]:
            return [Enqueued(job.id) for job in jobs]
        case [b"taken", key, holder]:
            raise JobExists(key.decode(), holder.decode())
    return [_enqueued_one(job, one) for job, one in zip(jobs, answer[1:], strict=True)]


def _enqueued_one(job: Job, answer: list[bytes] | None) -> Enqueued:
    match answer:
        case [b"existing", other]:
            return Enqueued(other.decode(), existing=True)
        case [b"replaced", other]:
            return Enqueued(job.id, replaced=other.decode())
    return Enqueued(job.id)


@lru_cache(maxsize=16)
def _listed(tasks: frozenset[str]) -> list[str]:
    return sorted(tasks)


def _leases(told: list[Any], started_at: float) -> tuple[list[Lease], list[tuple[Lease, str]]]:
    """The leases, and those of damaged jobs with what is wrong: they must not keep the others from running."""
    leases, damaged = [], []
    for at in range(0, len(told), 6):
        try:
            leases.append(read_lease(told[at : at + 6], started_at))
        except CorruptStore as error:
            damaged.append((bare_lease(told[at : at + 6], started_at), str(error)))
    return leases, damaged


def _packed_end(ended: Settlement) -> list[Any]:
    """A settlement as `lua/settle.lua` reads it."""
    verdict, lease = ended.verdict, ended.lease
    entry: list[Any] = [lease.key, lease.attempt, ended.worker, int(verdict.state), ended.ended_at, verdict.word]
    entry += (lease.started_at, None if ended.result is None else blob(ended.result))
    if verdict.state == State.SUCCEEDED and ended.peak_memory is None:
        # A plain success stands in the job itself; the history is told from there (packing.py).
        return entry
    error = None if verdict.state == State.SUCCEEDED else error_with(verdict.reason, ended.error)
    attempt = Attempt(
        number=lease.attempt,
        worker=ended.worker,
        started_at=lease.started_at,
        ended_at=ended.ended_at,
        outcome=verdict.word,
        error=error,
        exit_signal=ended.exit_signal,
        peak_memory=ended.peak_memory,
    )
    return [*entry, verdict.run_at, verdict.failed, verdict.crashed, pack_error(error), pack_attempt(attempt)]


def _packed_report(report: Report, number: str) -> list[Any]:
    """A report as `lua/report.lua` reads it. One that is sent again because its answer was lost has the same number."""
    key, attempt = report.lease.key, report.lease.attempt
    lines = [pack_line(attempt, at, stream, text) for at, stream, text in report.output]
    return [key, attempt, report.progress, report.note and sound(report.note), lines, number]
