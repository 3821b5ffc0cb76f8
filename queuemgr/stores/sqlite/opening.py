"""Reads a store's URL and opens what it needs: the file that gives turns, connections with the right settings."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path

from queuemgr.address import shown_url
from queuemgr.errors import ConfigError, StoreUnavailable, did_you_mean

from .schema import VERSION, migrate, version_of

PATIENCE = 30.0
# A commit copies and checksums whole pages; most commits touch few bytes on each, so small pages are faster.
PAGE = 2048
CHECKPOINT = 16 * 1024 * 1024
DURABILITY = {"normal": "NORMAL", "full": "FULL"}


def open_turn(path: Path) -> int:
    """The file beside the database whose lock gives processes their turn, first come first served.

    SQLite's own lock is retried with growing pauses and starves whoever waits longest. This one is a POSIX record lock:
    the kernel queues the waiters, drops it with its process, and does not hand it to forked children.
    """
    if not path.parent.is_dir():
        raise StoreUnavailable(f"the folder {path.parent} does not exist: create it, or name another file")
    if path.is_dir():
        raise StoreUnavailable(f"{path} is a folder: name a file in it, for example {path / 'jobs.db'}")
    # Made without being opened: to close a descriptor of the file would drop the locks of every SQLite connection
    # that this process has to it, the application's own among them (sqlite.org/howtocorrupt.html, section 2.2).
    with suppress(FileExistsError, PermissionError):
        os.mknod(path, 0o600)
    return os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def connect(path: Path, synchronous: str, undo: ExitStack) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    undo.callback(connection.close)
    connection.execute(f"PRAGMA page_size = {PAGE}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT // PAGE}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA cache_size = -8000")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def is_ready(connection: sqlite3.Connection) -> bool:
    """Whether the file has a log and tables of this version. Raises ForeignStore."""
    return version_of(connection) == VERSION and _uses_wal(connection)


def prepare(connection: sqlite3.Connection) -> None:
    """Make it so, in the caller's turn. Raises NewerStore, ForeignStore."""
    if not _uses_wal(connection):
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrate(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _uses_wal(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def read_url(url: str) -> tuple[Path, str]:
    """The file and the durability that it names. Raises ConfigError."""
    address, _, query = url.removeprefix("sqlite://").partition("?")
    if not address.startswith("/") or len(address) < 2 or ":memory:" in address:
        raise ConfigError(f"{shown_url(url)!r} names no file: write sqlite:///jobs.db, or sqlite:////full/path/jobs.db")
    durability = "normal"
    for part in filter(None, query.split("&")):
        name, _, durability = part.partition("=")
        if name != "durability" or durability not in DURABILITY:
            known = [f"durability={level}" for level in DURABILITY]
            raise ConfigError(f"{part!r} in {shown_url(url)!r} means nothing: {did_you_mean(part, known)}")
    return Path(address[1:]).expanduser().absolute(), durability
