"""Real stores in one place, a clock turned by hand, and processes that exist only as far as the store is told.

What each kind of store can offer beyond that is in the worlds of its own next door.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

from queuemgr import liveness
from queuemgr.errors import JobExists
from queuemgr.job import JobRecord
from queuemgr.store import Query, WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from types import ModuleType

    from queuemgr.job import Lease
    from queuemgr.store import Page, QueueInfo

T = TypeVar("T")
DAY = 86400.0
BEGIN = 1_800_000_000.0


class TurnedClock:
    """Wall time may jump, monotonic time only goes on."""

    def __init__(self) -> None:
        self.wall = BEGIN
        self.elapsed = 0.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.elapsed

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.elapsed += seconds


class Died(BaseException):
    """A process ended in the middle of a transaction."""


@dataclass(slots=True, eq=False)
class Process:
    """A process that uses the store: a worker, or the one that only sends. `leases` is what it believes to hold."""

    name: str
    host: str
    pid: int
    birth: int
    store: Any
    tasks: frozenset[str] = frozenset()
    alive: bool = True
    doomed: bool = False
    died_at: float = 0.0
    stopping: bool = False
    patrolled: float = 0.0
    leases: list[Lease] = field(default_factory=list)
    lost: set[tuple[str, int]] = field(default_factory=set)

    def info(self, now: float) -> WorkerInfo:
        return WorkerInfo(
            id=self.name,
            host=self.host,
            pid=self.pid,
            birth=self.birth,
            tasks=tuple(sorted(self.tasks)),
            started_at=now,
            beat_at=now,
        )


class World(ABC):
    """The store and those who use it. Made once, emptied for each run."""

    homes: tuple[ModuleType, ...] = ()
    """Modules of the store that ask who lives, by a name of their own."""

    patrol: float
    """Seconds after which a process that claims must look for dead workers again."""

    def __init__(self, url: str, most: int = 8) -> None:
        self.url = url
        self.clock = TurnedClock()
        self.everyone: list[Process] = []
        self._most = most
        self._host = ""
        self.acts = 0
        self._answers: dict[str, tuple[object, Any]] = {}
        self._patches = ExitStack()
        for home in (liveness, *self.homes):
            for name, mine in (("lives", self._lives), ("this_host", self._this_host)):
                if hasattr(home, name):
                    self._patches.enter_context(mock.patch.object(home, name, mine))

    @abstractmethod
    def empty(self) -> None:
        """Take everything out of the store."""

    @abstractmethod
    def open(self) -> Any:
        """The store, as a process of its own opens it."""

    @abstractmethod
    def abandon(self, store: Any) -> None:
        """The store's process is dead."""

    @abstractmethod
    def run(self, work: Coroutine[Any, Any, Any]) -> Any: ...

    @abstractmethod
    def run_mortally(self, process: Process, work: Coroutine[Any, Any, Any], dies_at: int | None) -> Any:
        """Raises Died where the process dies instead of its question number `dies_at` to the database."""

    def in_own_transaction(self, work: Callable[[Any], Any], *, commit: bool) -> Any:
        """Give an application's own transaction to `work`. Raises NotImplementedError where the store has none."""
        raise NotImplementedError

    def close(self) -> None:
        self._patches.close()
        self._bury_all()

    def clear(self) -> None:
        self._bury_all()
        self._answers.clear()
        self.clock.__init__()  # type: ignore[misc]
        self.empty()

    @property
    def full(self) -> bool:
        return sum(one.alive for one in self.everyone) >= self._most

    def start(self, name: str, host: str, pid: int, birth: int) -> Process:
        process = Process(name, host, pid, birth, self.open())
        self.everyone.append(process)
        return process

    def bury(self, process: Process) -> None:
        process.alive = False
        process.died_at = self.clock.monotonic()
        self.abandon(process.store)

    def do(self, process: Process, work: Coroutine[Any, Any, Any], dies_at: int | None = None) -> Any:
        self.turn_to(process)
        self.touched()
        return self.run_mortally(process, work, dies_at)

    def do_together(self, process: Process, works: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Let the process do all of it at the same moment; the refusal of a job stands in the place of the answer."""
        self.turn_to(process)
        self.touched()
        return [refusal_or_answer(self.run, work) for work in works]

    def turn_to(self, process: Process) -> None:
        """What follows happens on its machine."""
        self._host = process.host

    def touched(self) -> None:
        """Something happens that may change what the store holds."""
        self.acts += 1

    def stamp(self) -> object:
        """The same one only as long as the store holds the same."""
        return self.acts

    @contextmanager
    def looking(self, process: Process) -> Iterator[None]:
        """Nothing but looks of this process happens meanwhile."""
        yield

    def records(self, process: Process) -> dict[str, JobRecord]:
        return self._told("records", lambda: {one.id: one for one in self._ask_for_all(process)})

    def workers(self, process: Process) -> list[WorkerInfo]:
        """`alive` may be what it was before the clock moved on."""
        return self._told("workers", lambda: self.run(process.store.workers()))

    def queues(self, process: Process) -> list[QueueInfo]:
        return self._told("queues", lambda: self.run(process.store.queues()))

    def _ask_for_all(self, process: Process) -> list[JobRecord]:
        page: Page = self.run(process.store.find(Query(), limit=100_000))
        return page.jobs

    def _told(self, what: str, ask: Callable[[], T]) -> T:
        stamp = self.stamp()
        known = self._answers.get(what)
        if known is None or known[0] != stamp:
            self._answers[what] = known = (stamp, ask())
        answer: T = known[1]
        return answer

    def looks_dead(self, worker: WorkerInfo, to: Process) -> bool:
        """Whether `to` may take the worker for dead at this moment."""
        if worker.host == to.host:
            return not self._lives_on(worker.host, worker.pid, worker.birth)
        return worker.beat_at + float(to.store.lease) < self.clock.now()

    def patrols_now(self, process: Process) -> bool:
        """Whether its next claim must look for dead workers."""
        return not 0 <= self.clock.now() - process.patrolled < self.patrol

    def _bury_all(self) -> None:
        for process in self.everyone:
            if process.alive:
                self.bury(process)
        self.everyone.clear()

    def _this_host(self) -> str:
        return self._host

    def _lives(self, pid: int, birth: int) -> bool:
        return self._lives_on(self._host, pid, birth)

    def _lives_on(self, host: str, pid: int, birth: int) -> bool:
        return any(one.alive and (one.host, one.pid, one.birth) == (host, pid, birth) for one in self.everyone)


def refusal_or_answer(run: Callable[[Any], Any], work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return run(work)
    except JobExists as error:
        return error
