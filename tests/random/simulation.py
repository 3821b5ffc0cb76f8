"""One random run: operations one after the other, each held against the model. It draws no operation itself."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from .checking import check
from .model import Model
from .world import BEGIN, Died, Process, World

if TYPE_CHECKING:
    from collections.abc import Coroutine
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
        self.ceilings: dict[str, int] = {}
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
        left = {row.id: row for row in self.ask(self.producer.store.workers())}
        for row in [row for name, row in self.rows.items() if name not in left]:
            if self.world.looks_dead(row, by):
                self.take_back(row)
        # It was taken for dead itself, and had joined again before it died.
        if by.name in left and by.name not in self.rows:
            self.rows[by.name] = left[by.name]

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
        check(self)
