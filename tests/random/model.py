"""What may be true of a store after each operation, in plain Python. It knows the contract and no SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from queuemgr.job import WAITING, State
from queuemgr.store import Enqueued

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuemgr.job import Job, JobRecord
    from queuemgr.store import Report, Settlement


class Violation(AssertionError):
    """The store did what the contract does not allow."""


def require(allowed: object, said: str) -> None:
    if not allowed:
        raise Violation(said)


@dataclass(slots=True)
class Known:
    """A job as it must be. `order` sorts by age; `crashes` are those of which it is suspected."""

    job: Job
    order: Any
    state: State
    run_at: float | None
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    worker: str | None = None
    cancel: bool = False
    displaced: bool = False
    progress: float | None = None
    started: int = 0
    may_start: int = 1
    retried: bool = False
    history: list[tuple[int, str, str]] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    @property
    def suspect(self) -> bool:
        return self.crashes > 0

    def ended(self, word: str) -> None:
        assert self.worker is not None
        self.history.append((self.attempt, self.worker, word))
        self.worker = None


@dataclass(slots=True)
class Holder:
    """Who holds a unique key, and until when it is held though the job has ended."""

    job: str
    until: float | None
    finished: bool = False


class Model:
    """Jobs, unique keys, and queues that are paused or limited."""

    def __init__(self) -> None:
        self.jobs: dict[str, Known] = {}
        self.keys: dict[str, Holder] = {}
        self.paused: set[str] = set()
        self.limits: dict[str, int] = {}
        self.accepted = 0

    def enqueue(self, jobs: Sequence[Job], now: float) -> list[Enqueued] | str:
        """What the store must answer; the id of the job that stands in the way where it must refuse."""
        holders: dict[str, str] = {}
        for job in jobs:
            if job.unique is None or job.id in self.jobs:
                continue
            holder = holders.get(job.unique.key) or self.holder(job.unique.key, now)
            if holder is not None and job.unique.on_conflict == "reject":
                return holder
            if holder is None or job.unique.on_conflict == "replace":
                holders[job.unique.key] = job.id
        return [self._enqueue(job, now) for job in jobs]

    def _enqueue(self, job: Job, now: float) -> Enqueued:
        if job.id in self.jobs:
            return Enqueued(job.id)
        replaced = None
        if job.unique is not None:
            holder = self.holder(job.unique.key, now)
            if holder is not None and job.unique.on_conflict == "existing":
                return Enqueued(holder, existing=True)
            if holder is not None:
                replaced = holder
                self._displace(holder)
            window = job.unique.window
            self.keys[job.unique.key] = Holder(job.id, None if window is None else now + window)
        due = job.run_at is None or job.run_at <= now
        state = State.HELD if job.held else State.READY if due else State.SCHEDULED
        self.accepted += 1
        self.jobs[job.id] = Known(job, self.accepted, state, job.run_at)
        return Enqueued(job.id, replaced=replaced)

    def fire(self, jobs: Sequence[Job], now: float) -> None:
        """A firing whose key is taken is passed by."""
        for job in jobs:
            self.enqueue([job], now)

    def _displace(self, job_id: str) -> None:
        old = self.jobs.get(job_id)
        if old is None or old.state.finished:
            return
        if old.state in WAITING:
            old.state = State.CANCELLED
        else:
            old.displaced = True

    def holder(self, key: str, now: float) -> str | None:
        held = self.keys.get(key)
        if held is None or (held.finished and (held.until is None or held.until <= now)):
            return None
        return held.job

    def end(self, known: Known, state: State, now: float) -> None:
        known.state = state
        for key, held in list(self.keys.items()):
            if held.job == known.job.id:
                held.finished = True
                if held.until is None or held.until <= now:
                    del self.keys[key]

    def promote(self, now: float) -> None:
        for known in self.jobs.values():
            if known.state is State.SCHEDULED and known.run_at is not None and known.run_at <= now:
                known.state = State.READY

    def running(self, queue: str) -> int:
        return sum(known.state is State.RUNNING and known.job.queue == queue for known in self.jobs.values())

    def held_by(self, worker: str) -> list[Known]:
        return [known for known in self.jobs.values() if known.state is State.RUNNING and known.worker == worker]

    def take_back(self, worker: str, now: float, *, crashed: bool) -> list[str]:
        """The worker is dead or left; the ids of the jobs that it held."""
        held = self.held_by(worker)
        any_suspect = any(known.suspect for known in held)
        for known in held:
            blamed = crashed and (known.suspect or not any_suspect)
            known.crashes += blamed
            known.ended("interrupted" if crashed else "given back")
            if known.cancel:
                self.end(known, State.CANCELLED, now)
            elif known.job.at_most_once or (blamed and known.crashes >= known.job.crash_budget):
                self.end(known, State.DEAD, now)
            else:
                known.state = State.READY
        return [known.job.id for known in held]

    def is_current(self, settlement: Settlement) -> bool:
        lease = settlement.lease
        known = self.jobs.get(lease.id)
        return (
            known is not None
            and known.state is State.RUNNING
            and (known.attempt, known.worker) == (lease.attempt, settlement.worker)
        )

    def settle(self, settlement: Settlement) -> bool:
        """Whether the store must take it."""
        if not self.is_current(settlement):
            return False
        known, verdict = self.jobs[settlement.lease.id], settlement.verdict
        known.failures += verdict.failed
        known.crashes += verdict.crashed
        known.ended(verdict.word)
        unbegun = verdict.word == "given back" and verdict.state is State.READY
        if unbegun or verdict.word in ("snoozed", "unknown task"):
            known.may_start += 1
        if verdict.state.finished:
            self.end(known, verdict.state, settlement.ended_at)
            known.progress = 100 if verdict.state is State.SUCCEEDED else known.progress
        elif known.cancel:
            self.end(known, State.CANCELLED, settlement.ended_at)
        else:
            known.state = verdict.state
            known.run_at = verdict.run_at if verdict.run_at is not None else known.run_at
        return True

    def report(self, report: Report) -> None:
        known = self.jobs.get(report.lease.id)
        if known is None or known.state is not State.RUNNING or known.attempt != report.lease.attempt:
            return
        if report.progress is not None:
            known.progress = report.progress
        known.output += [text for _, _, text in report.output]

    def cancelled(self, worker: str) -> set[str]:
        return {known.job.id for known in self.held_by(worker) if known.cancel}

    def change(self, verb: str, ids: Iterable[str], now: float, after: dict[str, JobRecord]) -> int:
        """Apply it; how many jobs the store must say. Who gets a key that two want again, `after` tells."""
        chosen = [self.jobs[job_id] for job_id in ids]
        chosen.sort(key=lambda known: known.job.id in after and after[known.job.id].state is not State.READY)
        states = {known.job.id: known.state for known in chosen}
        return sum(self._change(verb, known, states[known.job.id], now) for known in chosen)

    def _change(self, verb: str, known: Known, state: State, now: float) -> bool:
        match verb:
            case "delete" if state is not State.RUNNING:
                self.forget(known.job.id)
            case "cancel" if state is State.RUNNING:
                known.cancel = True
            case "cancel" if state in WAITING:
                self.end(known, State.CANCELLED, now)
            case "hold" if state in WAITING - {State.HELD}:
                known.state = State.HELD
            case "release" if state is State.HELD:
                later = known.run_at is not None and known.run_at > now
                known.state = State.SCHEDULED if later else State.READY
            case "retry" if state is State.SCHEDULED or state.finished:
                return self._retry(known, now)
            case _:
                return False
        return True

    def _retry(self, known: Known, now: float) -> bool:
        unique = known.job.unique
        if unique is not None:
            if self.holder(unique.key, now) not in (None, known.job.id):
                return False
            held = self.keys.setdefault(unique.key, Holder(known.job.id, None))
            held.job, held.finished = known.job.id, False
            known.displaced = False
        if known.state.finished:
            known.failures = known.crashes = 0
            known.cancel = False
            known.progress = None
            known.retried = True
            known.may_start += 1
        known.state, known.run_at = State.READY, None
        return True

    def prune(self, now: float) -> None:
        """Keys whose time is over are free for good, even if the clock is set back."""
        over = [
            key for key, held in self.keys.items() if held.finished and held.until is not None and held.until <= now
        ]
        for key in over:
            del self.keys[key]

    def forget(self, job_id: str) -> None:
        del self.jobs[job_id]
        for key, held in list(self.keys.items()):
            if held.job == job_id and not (held.finished and held.until is not None):
                del self.keys[key]
