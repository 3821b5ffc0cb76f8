"""The random runs' world for SQLite: one file, and a process may die before any of its statements."""

from __future__ import annotations

import sqlite3
import types
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from queuemgr.stores.sqlite.database import Database, _Write
from queuemgr.stores.sqlite.store import PATROL, SqliteStore

from .world import Died, Process, World, refusal_or_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence

T = TypeVar("T")
KEPT = ("queuemgr_meta",)


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
    looks_through: sqlite3.Connection | None = None

    async def awrite(self, work: Callable[[sqlite3.Connection], Any], **how: Any) -> Any:
        if self.together:
            return await self._join_the_others(work)
        at, self.dies_at = self.dies_at, None
        return self.write(work if at is None else lambda connection: work(Mortal(connection, at)), **how)  # type: ignore[arg-type]

    async def aread(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return self.read(work)

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return super().read(work) if self.looks_through is None else work(self.looks_through)

    def begin_to_look(self) -> sqlite3.Connection:
        """What is read from now on is read in one transaction."""
        self.open()
        assert self._reader is not None
        self._reader.execute("BEGIN")
        self.looks_through = self._reader
        return self._reader

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


class SqliteWorld(World):
    patrol = PATROL

    def __init__(self, url: str, most: int = 8) -> None:
        super().__init__(url, most)
        path = Path(url.removeprefix("sqlite:///"))
        self._stamp = (-1, 0, 0)
        self._databases = [InlineDatabase(path) for _ in range(most)]
        self._spare = list(self._databases)
        self._own = sqlite3.connect(path, isolation_level=None)
        self._spare[0].open()

    def close(self) -> None:
        super().close()
        for database in self._databases:
            database.close()
        self._own.close()

    def empty(self) -> None:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'queuemgr%'"
        self._own.execute("BEGIN IMMEDIATE")
        for (table,) in self._own.execute(tables).fetchall():
            if table not in KEPT:
                self._own.execute(f"DELETE FROM {table}")
        self._own.execute("COMMIT")

    def stamp(self) -> object:
        if self._stamp[0] != self.acts:
            (commits,) = self._own.execute("PRAGMA data_version").fetchone()
            self._stamp = (self.acts, commits, self._own.total_changes)
        return self._stamp[1:]

    @contextmanager
    def looking(self, process: Process) -> Iterator[None]:
        database = _database(process.store)
        connection = database.begin_to_look()
        try:
            yield
        finally:
            database.looks_through = None
            connection.execute("COMMIT")

    def open(self) -> SqliteStore:
        store = SqliteStore(self.url, self.clock)
        store._db = self._spare.pop()
        return store

    def abandon(self, store: SqliteStore) -> None:
        database = _database(store)
        database.dies_at = None
        database._waiting.clear()
        self._spare.append(database)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return drive(work)

    def run_mortally(self, process: Process, work: Coroutine[Any, Any, Any], dies_at: int | None) -> Any:
        database = _database(process.store)
        database.dies_at = dies_at
        try:
            return drive(work)
        finally:
            database.dies_at = None

    def do_together(self, process: Process, works: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        self.turn_to(process)
        self.touched()
        database = _database(process.store)
        database.together = True
        try:
            begun = [_begin(work) for work in works]
            database._commit_in_turn()
            return [
                done[0] if done else refusal_or_answer(drive, work) for work, done in zip(works, begun, strict=True)
            ]
        finally:
            database.together = False

    def in_own_transaction(self, work: Callable[[Any], Any], *, commit: bool) -> Any:
        self._own.execute("BEGIN IMMEDIATE")
        try:
            answer = work(self._own)
        except BaseException:
            self._own.execute("ROLLBACK")
            raise
        self._own.execute("COMMIT" if commit else "ROLLBACK")
        return answer


def _database(store: Any) -> InlineDatabase:
    assert isinstance(store._db, InlineDatabase)
    return store._db


def _begin(work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Empty if it waits for its commit, else what it answered at once."""
    try:
        work.send(None)
    except StopIteration as end:
        return [end.value]
    return []
