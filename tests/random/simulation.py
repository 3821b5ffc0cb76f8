"""One random run: operations one after the other, each held against the model. It draws no operation itself."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.store import KEEP, KEEP_DEAD
from queuemgr.testing.history import problems_of

from .model import Known, Model, Violation, require
from .world import BEGIN, Died, Process, World

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from typing import Any

    from queuemgr.job import JobRecord, Lease
    from queuemgr.schedule import Schedule
    from queuemgr.store import ScheduleInfo, WorkerInfo

TASKS = ("mow", "rake", "sow")
QUEUES = ("front", "back", "shed")


@dataclass(frozen=True, slots=True)
class Operation:
    """`seed` decides all its details, so that it stands for itself wherever it is in a run."""

    name: str
    seed: int


@dataclass(slots=True)
class Planned:
    """A schedule as it must be. `life` counts how often one of that name was begun."""

    schedule: Schedule
    next_at: float | None
    last_at: float | None = None
    life: int = 0


class Simulation:
    """What happened so far: the model, the processes, and what the store said last."""

    def __init__(self, world: World) -> None:
        world.clear()
        self.world = world
        self.model = Model()
        self.trace: list[str] = []
        self.numbers = itertools.count(1)
        self.producer = world.start("producer", "here", 1, 1)
        self.rows: dict[str, WorkerInfo] = {}
        self.records: dict[str, JobRecord] = {}
        self.planned: dict[str, Planned] = {}
        self.lives: Counter[str] = Counter()
        self.fired: Counter[tuple[str, int, float]] = Counter()
        self.old_leases: list[tuple[str, Lease]] = []
        self.old_plans: list[ScheduleInfo] = []
        self.deaths: Counter[str] = Counter()
        for host in ("here", "here", "there"):
            self.hire(host)

    @property
    def now(self) -> float:
        return self.world.clock.now()

    @property
    def workers(self) -> list[Process]:
        return [one for one in self.world.everyone if one.alive and one is not self.producer]

    def worker(self, rng: Random, *, busy: bool = False) -> Process:
        """Any worker that lives, with `busy` rather one that holds a job; a new one where there is none."""
        living = self.workers or [self.hire("here")]
        return rng.choice([one for one in living if one.leases or not busy] or living)

    def hire(self, host: str, name: str = "", tasks: frozenset[str] = frozenset(TASKS)) -> Process:
        number = next(self.numbers)
        process = self.world.start(name or f"w{number}", host, 100 + number % 3, number)
        process.tasks = tasks
        known = self.rows.get(process.name)
        # Its namesake has died: what that one held is taken back by its return.
        if known is not None:
            self.take_back(known)
        info = process.info(self.now)
        self.world.do(process, process.store.join(info))
        self.rows[process.name] = info
        return process

    def do(self, process: Process, work: Coroutine[Any, Any, Any], rng: Random, chance: float = 0.06) -> Any:
        """Let it do it; perhaps it dies before it hears the answer. Raises Died if it died before the commit."""
        dies = rng.random() < chance
        try:
            answer = self.world.do(process, work, rng.randrange(12) if dies else None)
        except Died:
            self._note_who_was_buried(process)
            self.kill(process)
            raise
        process.doomed = dies
        return answer

    def ask(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.world.run(work)

    def _note_who_was_buried(self, by: Process) -> None:
        """A store may bury the dead in a transaction of its own: that one may have been committed."""
        left = {row.id for row in self.ask(self.producer.store.workers())}
        for row in [row for name, row in self.rows.items() if name not in left]:
            if self.world.looks_dead(row, by):
                self.take_back(row)

    def kill(self, process: Process) -> None:
        self.world.bury(process)
        process.leases.clear()
        self.deaths[process.name] += 1
        if process is self.producer:
            number = next(self.numbers)
            self.producer = self.world.start(f"producer{number}", "here", 1, number)

    def take_back(self, row: WorkerInfo) -> None:
        """Its jobs must be given back: it is dead, or looks so."""
        lost = self.model.take_back(row.id, self.now, crashed=row.state != "stopping")
        for process in self.workers:
            if process.name == row.id:
                process.lost |= {(lease.id, lease.attempt) for lease in process.leases if lease.id in lost}
        del self.rows[row.id]

    def patrol(self, process: Process) -> None:
        """What follows from its claim for the dead."""
        if not self.world.patrols_now(process):
            return
        process.patrolled = self.now
        self.rows = {name: replace(row, beat_at=min(row.beat_at, self.now)) for name, row in self.rows.items()}
        for row in list(self.rows.values()):
            if self.world.looks_dead(row, process):
                self.take_back(row)

    def step(self, operation: Operation, act: Any) -> None:
        rng = Random(operation.seed)
        try:
            said = act(self, rng)
        except Died:
            said = "and died in its midst"
        for process in self.world.everyone:
            if process.alive and process.doomed:
                said = f"{said}, and died after it"
                self.kill(process)
        self.trace.append(f"{self.now - BEGIN:12.2f}  {operation.name}: {said}")
        self.check()

    # what must hold after every step

    def check(self) -> None:
        before, self.records = self.records, self.world.records(self.producer)
        require(
            self.records.keys() == self.model.jobs.keys(),
            f"lost {self.model.jobs.keys() - self.records.keys()}, "
            f"unexpected {self.records.keys() - self.model.jobs.keys()}",
        )
        changed = len(before) != len(self.records)
        for job_id, record in self.records.items():
            self._check_job(record, self.model.jobs[job_id])
            old = before.get(job_id)
            changed = changed or record != old
            if old is None:
                self.model.jobs[job_id].order = record.position
            if old is None or (old.attempt, old.state) != (record.attempt, record.state):
                self.check_history(job_id)
        self._check_hands()
        self._check_rows()
        if changed:
            self._check_unique()
            self._check_counts()

    def _check_job(self, record: JobRecord, known: Known) -> None:
        running = record.state is State.RUNNING
        seen = (record.state.word, record.attempt, record.failures, record.crashes, record.progress)
        must = (known.state.word, known.attempt, known.failures, known.crashes, known.progress)
        require(seen == must, f"job {record.id} is {seen} and must be {must}")
        if running:
            hand, right = (record.worker, record.cancel_requested), (known.worker, known.cancel)
            require(hand == right, f"job {record.id} runs at {hand} and must run at {right}")
        if record.state is State.SCHEDULED:
            require(record.run_at == known.run_at, f"job {record.id} is due at {record.run_at}, not {known.run_at}")
        if record.state.finished:
            assert record.finished_at is not None
            kept = _kept(known)
            require(
                record.expires_at == record.finished_at + kept,
                f"job {record.id} ({record.state.word}) is kept until {record.expires_at}, "
                f"{record.finished_at} + {kept} would be right",
            )

    def check_history(self, job_id: str) -> None:
        known = self.model.jobs[job_id]
        record: JobRecord = self.ask(self.producer.store.get(job_id))
        seen = [(attempt.number, attempt.worker, attempt.outcome) for attempt in record.attempts]
        require(seen == known.history, f"job {job_id} has the history {seen} and must have {known.history}")
        problems = problems_of(record, retried=known.retried, clock_jumps=True)
        require(not problems, "; ".join(problems))
        if known.job.at_most_once:
            require(known.started <= known.may_start, f"job {job_id} runs at most once, and ran {known.started} times")
        texts = [line.text for line in self.ask(self.producer.store.output(job_id))]
        require(texts == known.output, f"job {job_id} said {texts} and must have said {known.output}")

    def _check_unique(self) -> None:
        holding: Counter[str | None] = Counter()
        for job_id, record in self.records.items():
            if record.unique_key and not record.state.finished and not self.model.jobs[job_id].displaced:
                holding[record.unique_key] += 1
        require(all(n < 2 for n in holding.values()), f"more than one unfinished job for a key: {holding}")

    def _check_hands(self) -> None:
        """No job is in the hands of two that live, unless one of them was silent for longer than a lease."""
        hands: Counter[str] = Counter()
        for process in self.workers:
            hands.update({x.id for x in process.leases if (x.id, x.attempt) not in process.lost})
        require(all(n < 2 for n in hands.values()), f"held by two workers at once: {hands}")
        suspects = Counter(k.worker for k in self.model.jobs.values() if k.state is State.RUNNING and k.suspect)
        require(all(n < 2 for n in suspects.values()), f"more than one suspect at a worker: {suspects}")

    def _check_rows(self) -> None:
        seen = {row.id: row for row in self.ask(self.producer.store.workers())}
        require(seen.keys() == self.rows.keys(), f"the workers are {set(seen)} and must be {set(self.rows)}")
        for name, row in self.rows.items():
            require(seen[name].state == row.state, f"worker {name} is {seen[name].state}, not {row.state}")
            require(
                seen[name].beat_at == row.beat_at,
                f"worker {name} beat at {seen[name].beat_at - BEGIN}, not {row.beat_at - BEGIN}",
            )

    def renewed(self, process: Process) -> None:
        """Its lease must be fresh now, by up to a third of a lease."""
        for row in self.ask(self.producer.store.workers()):
            if row.id == process.name:
                age = self.now - row.beat_at
                require(0 <= age < process.store.lease / 3, f"the lease of {row.id} is {age:.1f} s old after its beat")
                self.rows[row.id] = row
                return
        raise Violation(f"worker {process.name} has beaten and nobody would notice its death")

    def _check_counts(self) -> None:
        counted: Counter[tuple[str, State]] = Counter((x.queue, x.state) for x in self.records.values())
        told = {
            (info.name, state): number
            for info in self.ask(self.producer.store.queues())
            for state, number in info.counts.items()
        }
        require(told == counted, f"queues() counts {told}, there are {dict(counted)}")

    def is_running_without_worker(self) -> Sequence[str]:
        """The jobs that are held for a worker that is dead."""
        living = {process.name for process in self.workers}
        return [x.id for x in self.records.values() if x.state is State.RUNNING and x.worker not in living]


def _kept(known: Known) -> float:
    keep = known.job.keep
    if known.state is State.DEAD:
        return max(keep or 0.0, KEEP_DEAD)
    return KEEP if keep is None else keep
