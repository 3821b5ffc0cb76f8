"""One SQLite file: its connections, its fair lock between processes, and the joining of many writes into one commit.

It knows transactions and nothing of jobs.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections import deque
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from queuemgr.errors import ConfigError, StoreError, StoreUnavailable

from .faults import renamed
from .schema import VERSION, migrate, version_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_PER_COMMIT = 512
PATIENCE = 30.0
DURABILITY = {"normal": "NORMAL", "full": "FULL"}


class _Write:
    """One piece of work that waits for its commit."""

    __slots__ = ("done", "error", "future", "loop", "value", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        self.work = work
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.future: asyncio.Future[Any] | None = None


class Database:
    """Writes of all threads and loops of this process pass through one connection, and those that wait share a commit.

    A synchronous caller commits in its own thread, for itself and whoever waits; asynchronous callers share a thread.
    `durability` "normal" survives the death of every process, "full" the loss of power as well.
    """

    def __init__(self, path: Path, durability: str = "normal") -> None:
        if sqlite3.sqlite_version_info < (3, 35):
            raise ConfigError(f"queuemgr needs SQLite 3.35 or newer, this Python has {sqlite3.sqlite_version}")
        self.path = path
        self._synchronous = DURABILITY[durability]
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._peeking = threading.Lock()
        self._waiting: deque[_Write] = deque()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._peeker: sqlite3.Connection | None = None
        self._turn = -1
        self._lanes: dict[str, Lane] = {}

    def open(self) -> None:
        """Open or create the file. Raises StoreError with the reason."""
        if self._writer is not None and self._pid == os.getpid():
            return
        if self._pid != os.getpid():
            # The connections belong to the parent: closing them here would break its locks, so they are left alone.
            _abandoned.append((self._writer, self._reader, self._peeker))
            self._forget()
        with self._opening, renamed(self.path):
            if self._writer is None:
                self._turn = _open_turn(self.path)
                writer = self._connect()
                self._prepare(writer)
                self._reader = self._connect()
                self._peeker = self._connect()
                self._writer = writer

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()
        with self._writing, self._reading, self._peeking:
            for connection in (self._peeker, self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._peeker = self._reader = self._writer = None
            if self._turn >= 0:
                os.close(self._turn)
                self._turn = -1

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction and return once it is committed. Raises what `work` raises, and StoreError."""
        if self._writer is None or self._pid != os.getpid():
            self.open()
        item = _Write(work)
        self._waiting.append(item)
        while not item.done:
            with self._writing:
                if not item.done:
                    self._commit_waiting()
        if item.error is not None:
            raise item.error
        value: T = item.value
        return value

    async def awrite(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`write` for asynchronous callers."""
        if self._writer is None or self._pid != os.getpid():
            await asyncio.to_thread(self.open)
        item = _Write(work)
        item.loop = asyncio.get_running_loop()
        item.future = item.loop.create_future()
        self._waiting.append(item)
        self._lane("writer").push(self._commit_in_turn)
        value: T = await item.future
        return value

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on what is committed. It never waits for a writer."""
        self.open()
        with self._reading, renamed(self.path):
            assert self._reader is not None
            return work(self._reader)

    def peek(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """A `read` that takes microseconds, made by an event loop itself; long reads do not stand in its way."""
        self.open()
        with self._peeking, renamed(self.path):
            assert self._peeker is not None
            return work(self._peeker)

    async def aread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                value, error = self.read(work), None
            except BaseException as caught:
                value, error = None, caught
            _call_soon(loop, _resolve, [(future, value, error)])

        self._lane("reader").push(run)
        return await future

    def _lane(self, name: str) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            with self._opening:
                lane = self._lanes.setdefault(name, Lane(f"queuemgr {name}"))
        return lane

    def _commit_in_turn(self) -> None:
        with self._writing:
            while self._waiting and self._writer is not None:
                self._commit_waiting()

    def _commit_waiting(self) -> None:
        """Run everything that waits in one transaction; the caller holds the writing lock."""
        batch: list[_Write] = []
        while self._waiting and len(batch) < MOST_PER_COMMIT:
            batch.append(self._waiting.popleft())
        if not batch:
            return
        try:
            with renamed(self.path):
                self._transact(batch)
        except BaseException as error:
            for item in batch:
                item.error = item.error or error
            if not isinstance(error, StoreError):
                raise
        finally:
            self._tell(batch)

    def _transact(self, batch: list[_Write]) -> None:
        connection = self._writer
        if connection is None:
            raise StoreUnavailable(f"{self.path} was closed")
        fcntl.lockf(self._turn, fcntl.LOCK_EX)
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if len(batch) == 1:
                    _run_alone(connection, batch[0])
                else:
                    for item in batch:
                        _run_among_others(connection, item)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        finally:
            fcntl.lockf(self._turn, fcntl.LOCK_UN)

    def _tell(self, batch: list[_Write]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, Any, Any]]] = {}
        for item in batch:
            item.done = True
            if item.loop is not None:
                by_loop.setdefault(item.loop, []).append((item.future, item.value, item.error))
        for loop, results in by_loop.items():
            _call_soon(loop, _resolve, results)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA cache_size = -8000")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if version_of(connection) == VERSION and _uses_wal(connection):
            return
        fcntl.lockf(self._turn, fcntl.LOCK_EX)
        try:
            if not _uses_wal(connection):
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("BEGIN IMMEDIATE")
            try:
                migrate(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        finally:
            fcntl.lockf(self._turn, fcntl.LOCK_UN)


class Lane:
    """A thread that does what it is handed, in order."""

    def __init__(self, name: str) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def push(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def close(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


_abandoned: list[Any] = []


def _open_turn(path: Path) -> int:
    """The file beside the database whose lock gives processes their turn, first come first served.

    SQLite's own lock is retried with growing pauses and starves whoever waits longest. This one is a POSIX record lock:
    the kernel queues the waiters, drops it with its process, and does not hand it to forked children.
    """
    if not path.parent.is_dir():
        raise StoreUnavailable(f"the folder {path.parent} does not exist: create it, or name another file")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _uses_wal(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _run_alone(connection: sqlite3.Connection, item: _Write) -> None:
    try:
        item.value = item.work(connection)
    except BaseException as error:
        item.error = error
        connection.execute("ROLLBACK")
        connection.execute("BEGIN")
        if isinstance(error, sqlite3.Error):
            raise


def _run_among_others(connection: sqlite3.Connection, item: _Write) -> None:
    connection.execute("SAVEPOINT one")
    try:
        item.value = item.work(connection)
    except sqlite3.Error:
        raise
    except BaseException as error:
        item.error = error
        connection.execute("ROLLBACK TO one")
    connection.execute("RELEASE one")


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        # The loop that asked is closed: nobody waits for the answer any more.
        return


def _resolve(results: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, value, error in results:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)
