"""PostgreSQL, as Laravel uses it. What became of a commit whose answer was lost is asked of the server."""

from __future__ import annotations

import importlib
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError, StoreError, StoreUnavailable

from .connecting import Lost, Undone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .connecting import Row

CONNECT_TIMEOUT = 10
TYPES = {
    "bytes": "BYTEA",
    "moment": "DOUBLE PRECISION",
    "serial": "BIGSERIAL PRIMARY KEY",
    "text": "TEXT",
    "table": "",
}
# (the beginning of an SQLSTATE, and what is the matter)
_PASSING = {"53": "it is short of resources", "55P03": "a lock was not free in time", "25006": "it is read-only"}


class Postgres:
    """`conninfo` is what libpq reads."""

    lock = "FOR UPDATE"
    skip = " SKIP LOCKED"
    size = "octet_length(payload)"
    find = "strpos"
    clock = "extract(epoch FROM clock_timestamp())::float8"
    instant = "?"
    types = TYPES

    def __init__(self, conninfo: str, shown: str) -> None:
        self._conninfo = conninfo
        self.shown = shown

    def connect(self) -> Any:
        psycopg = _psycopg()
        timeout = {} if "connect_timeout" in self._conninfo else {"connect_timeout": CONNECT_TIMEOUT}
        try:
            return psycopg.connect(self._conninfo, autocommit=True, **timeout)
        except psycopg.Error as error:
            raise StoreUnavailable(f"{self.shown} cannot be reached: {_first_line(error)}") from error

    def begin(self, connection: Any, *, write: bool) -> str | None:
        if not write:
            connection.execute("BEGIN READ ONLY")
            return None
        connection.execute("BEGIN")
        found = connection.execute("SELECT txid_current()::text").fetchone()
        return str(found[0])

    def was_committed(self, connection: Any, name: str | None) -> bool:
        end = time.monotonic() + CONNECT_TIMEOUT
        status = None
        while time.monotonic() < end:
            try:
                (status,) = connection.execute("SELECT txid_status(%s::bigint)", (name,)).fetchone()
            except _psycopg().Error as error:
                raise StoreUnavailable(f"{self.shown}: it is not known whether the last change was kept") from error
            if status != "in progress":
                break
            time.sleep(0.05)
        if status in ("committed", "aborted"):
            return bool(status == "committed")
        raise StoreUnavailable(f"{self.shown}: it is not known whether the last change was kept")

    def execute(self, connection: Any, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        cursor = connection.execute(sql.replace("?", "%s"), values or None)
        return cursor.fetchall() if cursor.description else [], cursor.rowcount

    def add(self, connection: Any, sql: str, values: Sequence[Any]) -> bool:
        return self.execute(connection, f"{sql} ON CONFLICT DO NOTHING", values)[1] > 0

    def make(self, connection: Any, wanted: set[str], statements: Iterable[str]) -> None:
        self.execute(connection, "SELECT pg_advisory_xact_lock(70419142)", ())
        if not wanted <= self.tables(connection):
            for statement in statements:
                self.execute(connection, statement, ())

    def tables(self, connection: Any) -> set[str]:
        sql = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)"
        rows, _ = self.execute(connection, sql, ())
        return {name for (name,) in rows}

    def translated(self, error: Exception) -> Exception:
        psycopg = _psycopg()
        if not isinstance(error, psycopg.Error):
            return error
        state = error.sqlstate or ""
        if state.startswith("40"):
            return Undone(_first_line(error))
        if (isinstance(error, psycopg.OperationalError) and not state) or state.startswith(("57P", "08")):
            return Lost(f"the connection was lost: {_first_line(error)}")
        for begin, words in _PASSING.items():
            if state.startswith(begin):
                return StoreUnavailable(f"{self.shown}: {words}: {_first_line(error)}")
        return StoreError(f"{self.shown}: PostgreSQL says: {_first_line(error)}")


@cache
def _psycopg() -> Any:
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        raise ConfigError("Laravel's PostgreSQL needs the package psycopg: pip install 'queuemgr[postgres]'") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
