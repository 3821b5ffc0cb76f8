"""SQLite, as Laravel uses it: the file as it is found, with no setting of it changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queuemgr.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .connecting import Row

PATIENCE = 30.0
TYPES = {
    "bytes": "BLOB",
    "moment": "REAL",
    "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "text": "TEXT",
    "table": "",
}


class Sqlite:
    """`path` is the file of the database. It is never made here."""

    lock = ""
    skip = ""
    size = "length(CAST(payload AS BLOB))"
    find = "instr"
    clock = ""
    instant = "?"
    types = TYPES

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.shown = f"the database {path}"

    def connect(self) -> Any:
        if not self._path.is_file():
            raise StoreUnavailable(f"there is no file {self._path}: it must be the database of the Laravel application")
        try:
            uri = f"{self._path.resolve().as_uri()}?mode=rw"
            return sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.shown} cannot be opened: {error}") from error

    def begin(self, connection: Any, *, write: bool) -> str | None:
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        return None

    def was_committed(self, connection: Any, name: str | None) -> bool:  # noqa: ARG002 - nothing is ever lost here
        raise StoreUnavailable(f"{self.shown}: it is not known whether the last change was kept")

    def execute(self, connection: Any, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        cursor = connection.execute(sql, values)
        return cursor.fetchall(), cursor.rowcount

    def add(self, connection: Any, sql: str, values: Sequence[Any]) -> bool:
        return self.execute(connection, f"{sql} ON CONFLICT DO NOTHING", values)[1] > 0

    def make(self, connection: Any, wanted: set[str], statements: Iterable[str]) -> None:
        if not wanted <= self.tables(connection):
            for statement in statements:
                self.execute(connection, statement, ())

    def tables(self, connection: Any) -> set[str]:
        rows, _ = self.execute(connection, "SELECT name FROM sqlite_master WHERE type = 'table'", ())
        return {name for (name,) in rows}

    def translated(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        words = str(error)
        if "locked" in words or "busy" in words:
            return StoreUnavailable(f"{self.shown} was in use by others for {PATIENCE:.0f} s: try again")
        if any(sign in words for sign in ("unable to open", "disk", "readonly")):
            return StoreUnavailable(f"{self.shown} cannot be used: {words}")
        return StoreError(f"{self.shown}: SQLite says: {words}")
