"""Transactions in the application's database, and its errors in our words. It knows no table."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from queuemgr.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")
Row = tuple[Any, ...]

TRIES = 4
PAUSE = 0.05


class Undone(Exception):
    """The server has undone the transaction to let others pass, so that it can be made again. Its cause is told."""


class Lost(Exception):
    """The connection is gone. Whether the transaction was committed is not known."""


class Kind(Protocol):
    """A kind of database: how it connects, and the few words of SQL that are its own."""

    shown: str
    lock: str
    """What a query says to have its rows for itself."""

    skip: str
    """What it adds to leave out those that others have."""

    size: str
    """The length in bytes of the column `payload`."""

    find: str
    """A function of a text and what is looked for in it: its place, or 0."""

    clock: str
    """The server's time in seconds since 1970, where the server has a clock of its own."""

    instant: str
    """What stands for the text of a moment that is written."""

    types: dict[str, str]

    def connect(self) -> Any:
        """Raises StoreError and its kin."""

    def begin(self, connection: Any, *, write: bool) -> str | None:
        """Begin a transaction; the name by which its end may be asked for later, where there is one."""

    def was_committed(self, connection: Any, name: str | None) -> bool:
        """What became of the transaction of this name. Raises StoreUnavailable where nobody can tell."""

    def execute(self, connection: Any, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        """The rows of the answer, and how many rows were changed."""

    def add(self, connection: Any, sql: str, values: Sequence[Any]) -> bool:
        """Carry out an INSERT of one row; False where there is one with its key."""

    def make(self, connection: Any, wanted: set[str], statements: Iterable[str]) -> None:
        """Make these tables, unless others have made them by now."""

    def tables(self, connection: Any) -> set[str]: ...

    def translated(self, error: Exception) -> Exception:
        """The database's own error as Undone, Lost, or one of ours; anything else as it is."""


class Transaction:
    """What work in the database is given. Values stand for the question marks of the SQL."""

    def __init__(self, kind: Kind, connection: Any) -> None:
        self.kind = kind
        self._connection = connection

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self.kind.execute(self._connection, sql, values)[0]

    def change(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        return self.kind.execute(self._connection, sql, values)[1]

    def add(self, sql: str, *values: Any) -> bool:
        """Insert one row; False where there is one with its key."""
        return self.kind.add(self._connection, sql, values)

    def make(self, wanted: set[str], statements: Iterable[str]) -> None:
        """Make these tables, unless others have made them by now."""
        self.kind.make(self._connection, wanted, [one.format(**self.kind.types) for one in statements])

    def tables(self) -> set[str]:
        """The names of all tables that can be seen."""
        return self.kind.tables(self._connection)


class Database:
    """One connection, used by one thread at a time. It opens when it is needed, and again when it was lost."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._turn = threading.Lock()
        self._connection: Any = None
        self._owner = 0

    async def do(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """As `do_now`, in another thread."""
        return await asyncio.to_thread(self.do_now, work, write=write)

    def do_now(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do all of the work, or nothing; what it returned. It may be called again where the database wants that.

        Raises StoreUnavailable, StoreError.
        """
        with self._turn:
            for left in reversed(range(TRIES)):
                try:
                    return self._once(work, write)
                except (Undone, Lost) as trouble:
                    if not left:
                        raise StoreUnavailable(f"{self.kind.shown}: {trouble}; the call may be made again") from trouble
                    time.sleep(PAUSE * (TRIES - left))
        raise AssertionError

    def close(self) -> None:
        with self._turn:
            self._drop()

    def _once(self, work: Callable[[Transaction], T], write: bool) -> T:
        connection = self._open()
        answers: list[T] = []
        name = None
        try:
            name = self.kind.begin(connection, write=write)
            answers.append(work(Transaction(self.kind, connection)))
            self.kind.execute(connection, "COMMIT", ())
        except Exception as error:
            told = self.kind.translated(error)
            if not isinstance(told, Lost):
                self._undo(connection)
                raise told from (error if told is not error else None)
            self._drop()
            # Only a commit that was under way leaves a doubt.
            if not (answers and write and self.kind.was_committed(self._open(), name)):
                raise told from error
        except BaseException:
            self._undo(connection)
            raise
        return answers[0]

    def _undo(self, connection: Any) -> None:
        try:
            self.kind.execute(connection, "ROLLBACK", ())
        except Exception:
            self._drop()

    def _open(self) -> Any:
        if self._connection is not None and self._owner != os.getpid():
            # A forked child leaves its parent's connection alone.
            self._connection = None
        if self._connection is None:
            self._connection, self._owner = self.kind.connect(), os.getpid()
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def marks(values: Iterable[Any]) -> str:
    """As many question marks, for IN (...)."""
    return ", ".join("?" for _ in values)
