"""Gives SQLite's errors the names and words of this package, in one place. It repairs nothing."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from queuemgr.errors import CorruptStore, ForeignStore, NewerStore, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# (part of SQLite's words, our error, our words)
_KNOWN = (
    ("not a database", ForeignStore, "is not a SQLite database: choose another file"),
    (
        "malformed",
        CorruptStore,
        "is damaged: stop its workers, keep a copy, and recover it with `sqlite3 FILE .recover`",
    ),
    (
        "disk is full",
        StoreUnavailable,
        "cannot grow, the disk is full: free some space; nothing of this call was kept",
    ),
    (
        "readonly",
        StoreUnavailable,
        "cannot be written: check its owner and permissions, and those of its folder",
    ),
    (
        "unable to open",
        StoreUnavailable,
        "cannot be opened: check the path and the permissions of its folder",
    ),
    (
        "locked",
        StoreUnavailable,
        "is locked by another program for too long: end the program that holds a transaction",
    ),
    ("disk i/o error", StoreUnavailable, "cannot be read or written: the disk reports an error"),
)

# It may be the caller's own transaction: this package's begin with the intention to write.
_OUTDATED = (
    "was changed by somebody else after this transaction had read from it: roll it back and repeat it, "
    "and begin it with BEGIN IMMEDIATE if it is to read before it writes"
)


@contextmanager
def renamed(path: Path) -> Iterator[None]:
    """Everything that goes wrong with the file inside becomes a StoreError that names it."""
    try:
        yield
    except (sqlite3.Error, OSError, ForeignStore, NewerStore) as error:
        raise named_fault(path, error) from error


def named_fault(path: Path, error: BaseException) -> BaseException:
    """The same trouble as a StoreError; what is neither SQLite's nor the system's stays as it is."""
    match error:
        case ForeignStore() | NewerStore():
            return type(error)(f"{path} {error}")
        case sqlite3.Error():
            return _named(path, error)
        case PermissionError():
            return StoreUnavailable(f"{path} cannot be opened: {error.strerror}; check its owner and permissions")
        case OSError():
            return StoreUnavailable(f"{path} cannot be used: {error.strerror}")
        case _:
            return error


def _named(path: Path, error: sqlite3.Error) -> StoreError:
    if getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY_SNAPSHOT":
        return StoreUnavailable(f"{path} {_OUTDATED}")
    said = str(error).lower()
    for part, kind, words in _KNOWN:
        if part in said:
            return kind(f"{path} {words}")
    return StoreError(f"{path}: SQLite says: {error}")
