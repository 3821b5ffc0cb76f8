"""One SQLite file: its connections, its fair lock between processes, and the joining of many writes into one commit.

It knows transactions and nothing of jobs.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections import deque
from contextlib import ExitStack, suppress
from errno import EDEADLK, ENOLCK
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from queuemgr.errors import ConfigError, StoreUnavailable

from . import forking
from .bell import running_loop
from .faults import named_fault, renamed
from .opening import DURABILITY, connect, is_ready, open_turn, prepare

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

MOST_PER_COMMIT = 512
# What SQLite says of the values of one piece of work; everything else it says concerns all of the batch.
_ITS_OWN_FAULT = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


class _Write:
    """One piece of work that waits for its commit."""

    __slots__ = ("done", "error", "future", "gate", "loop", "quiet", "value", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], Any], *, quiet: bool = False) -> None:
        self.work = work
        self.quiet = quiet
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.future: asyncio.Future[Any] | None = None
        self.gate: threading.Lock | None = None

    def wait(self) -> None:
        """Return once it is done. The gate is shut before the last look, so that no opening of it is missed."""
        self.gate = threading.Lock()
        self.gate.acquire()
        if not self.done:
            self.gate.acquire()

    def finish(self) -> None:
        self.done = True
        if self.gate is not None:
            with suppress(RuntimeError):  # opened already
                self.gate.release()


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
        forking.watch(self)

    def _forget(self) -> None:
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._peeking = threading.Lock()
        self._locks = (self._opening, self._writing, self._reading, self._peeking)
        self._waiting: deque[_Write] = deque()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._peeker: sqlite3.Connection | None = None
        self._turn = -1
        self._lanes: dict[str, Lane] = {}

    def open(self) -> None:
        """Open or create the file. Raises StoreError with the reason."""
        if self._writer is not None:
            return
        with self._opening, renamed(self.path):
            if self._writer is None:
                self._open()

    def _open(self) -> None:
        with ExitStack() as undo:
            self._turn = open_turn(self.path)
            undo.callback(self._close_turn)
            writer = connect(self.path, self._synchronous, undo)
            if not is_ready(writer):
                self._prepare(writer)
            self._reader = connect(self.path, self._synchronous, undo)
            self._peeker = connect(self.path, self._synchronous, undo)
            self._writer = writer
            undo.pop_all()

    def hold_still(self) -> None:
        """Let no thread of this process be amidst a use of SQLite, until `go_on` or `begin_afresh`."""
        for lock in self._locks:
            lock.acquire()

    def go_on(self) -> None:
        for lock in self._locks:
            lock.release()
        if self._waiting:
            self._lane("writer").push(self._commit_in_turn)

    def begin_afresh(self) -> None:
        """Leave what was open before a fork to the parent.

        As long as one of its connections were open here, SQLite would take this process for a holder of the parent's
        locks, and the parent would throw the log away under the child. Closed where nothing is under way they do no
        harm: the child has no locks to lose, and cannot remove the log against those of the parent.
        """
        for connection in (self._peeker, self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._close_turn()
        self._forget()

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()
        with self._writing, self._reading, self._peeking:
            for connection in (self._peeker, self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._peeker = self._reader = self._writer = None
            self._close_turn()
            while self._waiting:
                self._commit_waiting()

    def _close_turn(self) -> None:
        if self._turn >= 0:
            os.close(self._turn)
            self._turn = -1

    def write(self, work: Callable[[sqlite3.Connection], T], *, single: bool = False, quiet: bool = False) -> T:
        """Run `work` in a transaction and return once it is committed. Raises what `work` raises, and StoreError.

        `single` promises that the work is one statement, `quiet` that nobody waits for what it changes.
        """
        if self._writer is None:
            self.open()
        if not self._waiting and self._writing.acquire(blocking=False):
            try:
                return self._write_alone(work, single=single, quiet=quiet)
            finally:
                self._release()
        item = _Write(work, quiet=quiet)
        self._waiting.append(item)
        if self._writing.acquire(blocking=False):
            try:
                while not item.done:
                    self._commit_waiting()
            finally:
                self._release()
        else:
            item.wait()
        if item.error is not None:
            raise item.error
        value: T = item.value
        return value

    def _write_alone(self, work: Callable[[sqlite3.Connection], T], *, single: bool, quiet: bool) -> T:
        """What shares its commit with nobody; the caller holds the writing lock."""
        try:
            return self._commit(work, single=single, quiet=quiet)
        except BaseException as error:
            named = named_fault(self.path, error)
            if named is error:
                raise
            raise named from error

    def _release(self) -> None:
        """Give up the writing. Who came meanwhile waits at the gate of his own work; the writer's thread goes on."""
        self._writing.release()
        if self._waiting:
            self._lane("writer").push(self._commit_in_turn)

    async def awrite(self, work: Callable[[sqlite3.Connection], T], *, quiet: bool = False) -> T:
        """`write` for asynchronous callers."""
        if self._writer is None:
            await running_loop().run_in_executor(None, self.open)
        item = _Write(work, quiet=quiet)
        item.loop = running_loop()
        item.future = item.loop.create_future()
        self._waiting.append(item)
        self._lane("writer").push(self._commit_in_turn)
        value: T = await item.future
        return value

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on what is committed at one moment. It never waits for a writer."""
        self.open()
        with self._reading, renamed(self.path):
            assert self._reader is not None
            self._reader.execute("BEGIN")
            try:
                return work(self._reader)
            finally:
                self._reader.execute("COMMIT")

    def peek(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """A `read` that takes microseconds, made by an event loop itself; long reads do not stand in its way."""
        self.open()
        with self._peeking, renamed(self.path):
            assert self._peeker is not None
            return work(self._peeker)

    async def aread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = running_loop()
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
            while self._waiting:
                self._commit_waiting()

    def _commit_waiting(self) -> None:
        """Run everything that waits in one transaction; the caller holds the writing lock."""
        batch: list[_Write] = []
        while self._waiting and len(batch) < MOST_PER_COMMIT:
            batch.append(self._waiting.popleft())
        if not batch:
            return
        try:
            self._commit(partial(_run_together, batch, self.path), single=False, quiet=all(one.quiet for one in batch))
        except BaseException as error:
            named = named_fault(self.path, error)
            told = named if isinstance(named, Exception) else StoreUnavailable(f"{self.path}: a commit was interrupted")
            for item in batch:
                item.error = item.error or told
            if told is not named:
                raise
        finally:
            self._tell(batch)

    def _commit(self, work: Callable[[sqlite3.Connection], T], *, single: bool, quiet: bool) -> T:
        if self._writer is None:
            raise StoreUnavailable(f"{self.path} was closed")
        _take_turn(self._turn)
        try:
            value = work(self._writer) if single else _in_transaction(self._writer, work)
            if not quiet:
                # Rings the bell of everyone who waits (bell.py), now that the commit can be read.
                with suppress(OSError):  # a full disk: who waits looks again by himself
                    os.pwrite(self._turn, b".", 0)
            return value
        finally:
            fcntl.lockf(self._turn, fcntl.LOCK_UN)

    def _tell(self, batch: list[_Write]) -> None:
        if len(batch) == 1 and batch[0].loop is None:
            batch[0].finish()
            return
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, Any, Any]]] = {}
        for item in batch:
            item.finish()
            if item.loop is not None:
                by_loop.setdefault(item.loop, []).append((item.future, item.value, item.error))
        for loop, results in by_loop.items():
            _call_soon(loop, _resolve, results)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        _take_turn(self._turn)
        try:
            prepare(connection)
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


def _take_turn(turn: int) -> None:
    try:
        fcntl.lockf(turn, fcntl.LOCK_EX)
    except OSError as error:
        # The kernel sees a deadlock wherever two processes use the same two queues. Turns are for fairness only: SQLite
        # has its own lock.
        if error.errno not in (EDEADLK, ENOLCK):
            raise


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        value = work(connection)
        connection.execute("COMMIT")
        return value
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _run_together(batch: list[_Write], path: Path, connection: sqlite3.Connection) -> None:
    if len(batch) == 1:
        _run_alone(connection, batch[0])
    else:
        for item in batch:
            _run_among_others(connection, item, path)


def _run_alone(connection: sqlite3.Connection, item: _Write) -> None:
    try:
        item.value = item.work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:
        item.error = error
        connection.execute("ROLLBACK")
        connection.execute("BEGIN")


def _run_among_others(connection: sqlite3.Connection, item: _Write, path: Path) -> None:
    connection.execute("SAVEPOINT one")
    try:
        item.value = item.work(connection)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and not isinstance(error, _ITS_OWN_FAULT):
            raise
        item.error = named_fault(path, error)
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
