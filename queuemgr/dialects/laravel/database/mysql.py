"""MySQL and MariaDB, as Laravel uses them. They keep no word of a transaction's end, so that turns.py does."""

from __future__ import annotations

import importlib
import re
import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError, StoreError, StoreUnavailable

from .connecting import Lost, Undone
from .turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .connecting import Row

CONNECT_TIMEOUT = 10
LOCK_TIMEOUT = 20
ANSWER_TIMEOUT = 60.0
# Names are told apart by each of their letters, which the usual order of these servers does not do.
EXACT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
TYPES = {
    "bytes": "LONGBLOB",
    "moment": "DOUBLE",
    "serial": "BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY",
    "text": "LONGTEXT",
    "table": f"ENGINE=InnoDB {EXACT}",
}
SETTINGS = (
    "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}",
)
SKIPS_SINCE = {"MySQL": (8, 0, 1), "MariaDB": (10, 6, 0)}
TAKEN, TABLE_IS_THERE, INDEX_IS_THERE = 1062, 1050, 1061
AGAIN = {1213: "another transaction stood in the way", 1020: "a row was changed by others"}
LOST = {1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2055, 3169, 4031}
PASSING = {
    **dict.fromkeys((1021, 1037, 1038, 1040, 1041, 1114, 1203), "it is short of resources"),
    **dict.fromkeys((1290, 1792, 1836), "it is read-only"),
    **dict.fromkeys((1205, 3572), "a lock was not free in time"),
    **dict.fromkeys((1317, 1969, 3024), "the statement was stopped there"),
}


class Mysql:
    """`target` is where it is and who asks, in PyMySQL's words; `tls`: only over an encrypted connection."""

    lock = "FOR UPDATE"
    size = "OCTET_LENGTH(payload)"
    find = "INSTR"
    clock = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000e0"
    # A moment that a server's own time zone leaves out in spring would be refused.
    instant = "FROM_UNIXTIME(UNIX_TIMESTAMP(?))"
    types = TYPES

    def __init__(self, target: Mapping[str, Any], shown: str, tls: Mapping[str, str] | None = None) -> None:
        self._target = dict(target)
        self._tls = tls
        self.shown = shown
        self.skip = " SKIP LOCKED"
        self._turns = Turns()

    def connect(self) -> Any:
        self._turns = Turns()
        return self._connect()

    def begin(self, connection: Any, *, write: bool) -> str | None:
        if not write:
            self.execute(connection, "START TRANSACTION READ ONLY", ())
            return None
        return self._turns.begin(self, connection)

    def was_committed(self, connection: Any, name: str | None) -> bool:
        try:
            committed = None if name is None else Turns.was_committed(self, connection, name)
        except _pymysql().MySQLError as error:
            raise StoreUnavailable(f"{self.shown}: it is not known whether the last change was kept") from error
        if committed is None:
            raise StoreUnavailable(f"{self.shown}: it is not known whether the last change was kept")
        return committed

    def execute(self, connection: Any, sql: str, values: Sequence[Any]) -> tuple[list[Row], int]:
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("?", "%s"), values or None)
            return list(cursor.fetchall()), cursor.rowcount

    def add(self, connection: Any, sql: str, values: Sequence[Any]) -> bool:
        try:
            self.execute(connection, sql, values)
        except _pymysql().IntegrityError as error:
            if error.args[0] != TAKEN:
                raise
            return False
        return True

    def make(self, connection: Any, wanted: set[str], statements: Iterable[str]) -> None:  # noqa: ARG002
        """On a connection of its own, as each of these statements ends the transaction that it stands in."""
        other = self._connect()
        try:
            for statement in statements:
                self._make_one(other, statement)
        finally:
            other.close()

    def tables(self, connection: Any) -> set[str]:
        return {name for (name,) in self.execute(connection, "SHOW TABLES", ())[0]}

    def translated(self, error: Exception) -> Exception:
        pymysql = _pymysql()
        if not isinstance(error, pymysql.MySQLError):
            return error
        number, words = code_of(error), _words(error)
        if number in AGAIN:
            return Undone(f"{AGAIN[number]}: {words}")
        if number in LOST or isinstance(error, pymysql.InterfaceError):
            return Lost(f"the connection was lost: {words}")
        if number in PASSING:
            return StoreUnavailable(f"{self.shown}: {PASSING[number]}: {words}")
        return StoreError(f"{self.shown}: the server says: {words}")

    def _connect(self) -> Any:
        pymysql = _pymysql()
        limits = {"connect_timeout": CONNECT_TIMEOUT, "read_timeout": ANSWER_TIMEOUT, "write_timeout": ANSWER_TIMEOUT}
        how = {"charset": "utf8mb4", "program_name": "queuemgr", "client_flag": pymysql.constants.CLIENT.FOUND_ROWS}
        if self._tls is not None:
            how["ssl"] = _context(self._tls)
        try:
            connection = pymysql.connect(**limits, **how, **self._target, autocommit=False)
            for setting in SETTINGS:
                self.execute(connection, setting, ())
        except (pymysql.MySQLError, OSError) as error:
            raise StoreUnavailable(f"{self.shown} cannot be reached: {_words(error)}") from error
        self.skip = " SKIP LOCKED" if skips(connection.get_server_info()) else ""
        return connection

    def _make_one(self, connection: Any, statement: str) -> None:
        try:
            self.execute(connection, statement, ())
        except _pymysql().MySQLError as error:
            if code_of(error) not in (TABLE_IS_THERE, INDEX_IS_THERE):
                raise


def skips(version: str) -> bool:
    """Whether a server of this version can leave out rows that others have."""
    kind = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    # Some servers of MariaDB begin with the version of MySQL that old clients expect.
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version.removeprefix("5.5.5-"))
    return found is not None and tuple(map(int, found.groups())) >= SKIPS_SINCE[kind]


def code_of(error: Exception) -> int:
    """The server's number of an error, or 0."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


@cache
def _pymysql() -> Any:
    try:
        return importlib.import_module("pymysql")
    except ImportError as error:
        raise ConfigError("Laravel's MySQL needs the package PyMySQL: pip install 'queuemgr[mysql]'") from error


def _context(files: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.get("ssl_ca") or None)
        if files.get("ssl_cert"):
            context.load_cert_chain(files["ssl_cert"], files.get("ssl_key") or None)
    except OSError as error:
        raise ConfigError(f"the certificates for MySQL cannot be read: {error}") from error
    return context


def _words(error: Exception) -> str:
    said = error.args[1] if len(error.args) > 1 else error
    return str(said).strip().partition("\n")[0]
