"""The caller's own connection, lent for one enqueue: its transaction stays the caller's. It commits nothing."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError

from .faults import renamed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def borrowed(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """What is done inside becomes a part of the caller's transaction, as a whole or not at all.

    Raises ConfigError unless the connection is SQLite's own and open on the file `path`.
    """
    if not isinstance(connection, sqlite3.Connection):
        raise ConfigError(
            f"a job joins the transaction of a sqlite3.Connection, not of {type(connection).__module__}."
            f"{type(connection).__qualname__}: give the connection of sqlite3 that is within it"
        )
    with renamed(path), _with_plain_rows(connection):
        _require_same_file(connection, path)
        if not connection.in_transaction and _begins_by_itself(connection):
            # A savepoint that stands alone would commit by its release, before the caller does.
            connection.execute("BEGIN")
        connection.execute("SAVEPOINT queuemgr")
        try:
            yield
        except BaseException:
            # Where the disk is full SQLite itself has already rolled the whole transaction back.
            if connection.in_transaction:
                connection.execute("ROLLBACK TO queuemgr")
                connection.execute("RELEASE queuemgr")
            raise
        connection.execute("RELEASE queuemgr")


@contextmanager
def _with_plain_rows(connection: sqlite3.Connection) -> Iterator[None]:
    rows, texts = connection.row_factory, connection.text_factory
    connection.row_factory, connection.text_factory = None, str
    try:
        yield
    finally:
        connection.row_factory, connection.text_factory = rows, texts


def _begins_by_itself(connection: sqlite3.Connection) -> bool:
    """Whether the caller expects a transaction to begin with the first change and to last until `commit`."""
    return connection.isolation_level is not None and getattr(connection, "autocommit", None) is not True


def _require_same_file(connection: sqlite3.Connection, path: Path) -> None:
    files = [row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"]
    if not files or not files[0] or not path.samefile(files[0]):
        raise ConfigError(
            f"the connection is open on {files[0] or 'memory' if files else 'nothing'!r} and the queue in {path}: "
            "a job can only share a transaction with data in the same file"
        )
