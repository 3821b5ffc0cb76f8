"""Real stores on one file, a clock turned by hand, and processes that exist only as far as the store is told."""

from __future__ import annotations

import sqlite3
import types
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from queuemgr import liveness
from queuemgr.errors import JobExists
from queuemgr.job import JobRecord
from queuemgr.store import LEASE, Query, WorkerInfo
from queuemgr.stores.sqlite.database import Database, _Write
from queuemgr.stores.sqlite.store import PATROL, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from pathlib import Path

    from queuemgr.job import Lease

DAY = 86400.0
BEGIN = 1_800_000_000.0
TABLES = ("jobs", "tags", "attempts", "output", "unique", "paused", "workers", "schedules", "keys")


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


class Mortal:
    """A connection that dies instead of its statement number `left`."""

    def __init__(self, connection: sqlite3.Connection, left: int) -> None:
        self._connection = connection
        self._left = left

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        self._count()
        return self._connection.execute(*statement)

    def executemany(self, *statement: Any) -> sqlite3.Cursor:
        self._count()
        return self._connection.executemany(*statement)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Died


class InlineDatabase(Database):
    """The real thing, but asynchronous callers commit in their own thread, and the next write may die in its midst."""

    dies_at: int | None = None
    together = False

    async def awrite(self, work: Callable[[sqlite3.Connection], Any], **how: Any) -> Any:
        if self.together:
            return await self._join_the_others(work)
        at, self.dies_at = self.dies_at, None
        return self.write(work if at is None else lambda connection: work(Mortal(connection, at)), **how)  # type: ignore[arg-type]

    async def aread(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return self.read(work)

    async def _join_the_others(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        self.open()
        item = _Write(work)
        self._waiting.append(item)
        await _suspended()
        if item.error is not None:
            raise item.error
        return item.value


@types.coroutine
def _suspended() -> Generator[None, None, None]:
    yield


def drive(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


@dataclass(slots=True, eq=False)
class Process:
    """A process that uses the store: a worker, or the one that only sends. `leases` is what it believes to hold."""

    name: str
    host: str
    pid: int
    birth: int
    store: SqliteStore
    database: InlineDatabase
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


class World:
    """The file and those who use it. Made once, emptied for each run."""

    def __init__(self, path: Path, most: int = 8) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self.clock = TurnedClock()
        self.everyone: list[Process] = []
        self._spare = [InlineDatabase(path) for _ in range(most)]
        self._host = ""
        self._own = sqlite3.connect(path, isolation_level=None)
        self._spare[0].open()
        self._patches = ExitStack()
        self._patches.enter_context(mock.patch.object(liveness, "lives", self._lives))
        self._patches.enter_context(mock.patch.object(liveness, "this_host", self._this_host))

    def close(self) -> None:
        self._patches.close()
        for database in [*self._spare, *(one.database for one in self.everyone if one.alive)]:
            database.close()
        self._own.close()

    def clear(self) -> None:
        for process in self.everyone:
            if process.alive:
                self.bury(process)
        self.everyone.clear()
        self.clock.__init__()  # type: ignore[misc]
        self._own.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            self._own.execute(f"DELETE FROM queuemgr_{table}")
        self._own.execute("COMMIT")

    @property
    def full(self) -> bool:
        return not self._spare

    def start(self, name: str, host: str, pid: int, birth: int) -> Process:
        database = self._spare.pop()
        store = SqliteStore(self.url, self.clock)
        store._db = database
        process = Process(name, host, pid, birth, store, database)
        self.everyone.append(process)
        return process

    def bury(self, process: Process) -> None:
        process.alive = False
        process.died_at = self.clock.monotonic()
        process.database.dies_at = None
        process.database._waiting.clear()
        self._spare.append(process.database)

    def do(self, process: Process, work: Coroutine[Any, Any, Any], dies_at: int | None = None) -> Any:
        """Let the process do it. Raises Died where it dies instead of its statement number `dies_at`."""
        self._host = process.host
        process.database.dies_at = dies_at
        try:
            return drive(work)
        finally:
            process.database.dies_at = None

    def do_together(self, process: Process, works: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Let the process do all of it in one commit; the refusal of a job stands in the place of the answer."""
        self._host = process.host
        process.database.together = True
        try:
            begun = [_begin(work) for work in works]
            process.database._commit_in_turn()
            return [done[0] if done else _answer(work) for work, done in zip(works, begun, strict=True)]
        finally:
            process.database.together = False

    def in_own_transaction(self, work: Callable[[sqlite3.Connection], Any], *, commit: bool) -> Any:
        """An application's own transaction on the same file."""
        self._own.execute("BEGIN IMMEDIATE")
        try:
            answer = work(self._own)
        except BaseException:
            self._own.execute("ROLLBACK")
            raise
        self._own.execute("COMMIT" if commit else "ROLLBACK")
        return answer

    def records(self, process: Process) -> dict[str, JobRecord]:
        page = drive(process.store.find(Query(), limit=100_000))
        return {record.id: record for record in page.jobs}

    def looks_dead(self, worker: WorkerInfo, to: Process) -> bool:
        """Whether `to` may take the worker for dead at this moment."""
        if worker.host == to.host:
            return not self._lives_on(worker.host, worker.pid, worker.birth)
        return worker.beat_at + LEASE < self.clock.now()

    def patrols_now(self, process: Process) -> bool:
        """Whether its next claim must look for dead workers."""
        return not 0 <= self.clock.now() - process.patrolled < PATROL

    def _this_host(self) -> str:
        return self._host

    def _lives(self, pid: int, birth: int) -> bool:
        return self._lives_on(self._host, pid, birth)

    def _lives_on(self, host: str, pid: int, birth: int) -> bool:
        return any(one.alive and (one.host, one.pid, one.birth) == (host, pid, birth) for one in self.everyone)


def _begin(work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Empty if it waits for its commit, else what it answered at once."""
    try:
        work.send(None)
    except StopIteration as end:
        return [end.value]
    return []


def _answer(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return drive(work)
    except JobExists as error:
        return error
