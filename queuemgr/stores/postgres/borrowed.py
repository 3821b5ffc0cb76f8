"""The caller's own connection, lent for one enqueue: its transaction stays the caller's. It commits nothing.

Frameworks and drivers other than psycopg are known by how their objects look; none is imported before the caller has
done so.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import tuple_row

from queuemgr.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .address import Address

# With the store's own mark, so that nothing is enqueued into another database that has such tables too. Notifications
# ride in the transaction, whether somebody waits now or not: the caller may commit much later.
_ASK = (
    'SELECT CAST("{schema}".enqueue(CAST({jobs} AS json), CAST({given} AS float8), true) AS text)'
    " FROM \"{schema}\".meta WHERE key = 'id' AND value = {mark}"
)
# No schema, no table, no function: a database in which no store was ever opened.
_ABSENT = ("3F000", "42P01", "42883")


def ask_on(connection: Any, address: Address, jobs: bytes, given: float | None, mark: str) -> str:
    """What `enqueue` answers. Raises ConfigError where the object is no connection, or to elsewhere."""
    _require(connection, asynchronous=False)
    values = (jobs.decode(), given, mark)
    with _named(address):
        if _is_of_sqlalchemy(connection):
            return _answer(connection.execute(*_for_sqlalchemy(address, values)).fetchone(), address)
        if hasattr(connection, "fetchone") and not isinstance(connection, psycopg.Cursor):
            connection.execute(_sql(address, "%s", "%s", "%s"), values)
            return _answer(connection.fetchone(), address)
        with closing(_cursor_of(connection)) as cursor:
            cursor.execute(_sql(address, "%s", "%s", "%s"), values)
            return _answer(cursor.fetchone(), address)


async def ask_on_async(connection: Any, address: Address, jobs: bytes, given: float | None, mark: str) -> str:
    """The same for asynchronous connections."""
    _require(connection, asynchronous=True)
    values = (jobs.decode(), given, mark)
    with _named(address):
        if _is_of_sqlalchemy(connection):
            return _answer((await connection.execute(*_for_sqlalchemy(address, values))).fetchone(), address)
        if hasattr(connection, "fetchrow"):
            return _answer(await connection.fetchrow(_sql(address, "$1::text", "$2", "$3"), *values), address)
        async with _cursor_of(connection) as cursor:
            await cursor.execute(_sql(address, "%s", "%s", "%s"), values)
            return _answer(await cursor.fetchone(), address)


def _sql(address: Address, jobs: str, given: str, mark: str) -> str:
    return _ASK.format(schema=address.schema, jobs=jobs, given=given, mark=mark)


def _is_of_sqlalchemy(connection: Any) -> bool:
    return hasattr(connection, "exec_driver_sql") or hasattr(connection, "get_bind")


def _for_sqlalchemy(address: Address, values: tuple[str, float | None, str]) -> tuple[Any, dict[str, Any]]:
    from sqlalchemy import text

    return text(_sql(address, ":jobs", ":given", ":mark")), dict(zip(("jobs", "given", "mark"), values, strict=True))


def _cursor_of(connection: Any) -> Any:
    """One whose rows are plain and whose parameters are %s, whatever the caller has chosen for psycopg's own."""
    match connection:
        case psycopg.Connection():
            return psycopg.Cursor(connection, row_factory=tuple_row)
        case psycopg.AsyncConnection():
            return psycopg.AsyncCursor(connection, row_factory=tuple_row)
        case psycopg.Cursor() | psycopg.AsyncCursor():
            return _cursor_of(connection.connection)
    return connection.cursor()


def _require(connection: Any, *, asynchronous: bool) -> None:
    """Raises ConfigError where nothing can be enqueued on it, or not in this way."""
    name = type(connection).__name__
    if not any(hasattr(connection, word) for word in ("exec_driver_sql", "get_bind", "cursor", "fetchone", "fetchrow")):
        raise ConfigError(
            f"{name} is no connection that jobs can be enqueued on: pass one of psycopg, psycopg2, SQLAlchemy or Django"
        )
    if (vendor := _vendor_of(connection)) != "postgresql":
        raise ConfigError(
            f"the connection is to {vendor}: a job shares a transaction with data in the same database only"
        )
    if _is_asynchronous(connection) is not asynchronous:
        kind, way = ("synchronous", "app.client") if asynchronous else ("asynchronous", "await app.aio")
        raise ConfigError(f"{name} is {kind}: enqueue on it by `{way}.enqueue_many(..., connection=...)`")


def _is_asynchronous(connection: Any) -> bool:
    # A connection of a pool of asyncpg does not tell it by its methods.
    return iscoroutinefunction(getattr(connection, "execute", None)) or hasattr(connection, "fetchrow")


def _vendor_of(connection: Any) -> str:
    """As SQLAlchemy and Django call it; of plain drivers only that of Python itself is told apart."""
    if type(connection).__module__ == "sqlite3":
        return "sqlite"
    if hasattr(connection, "get_bind"):
        connection = connection.get_bind()
    if (dialect := getattr(connection, "dialect", None)) is not None:
        return str(dialect.name)
    return str(getattr(connection, "vendor", "postgresql"))


@contextmanager
def _named(address: Address) -> Iterator[None]:
    """Where our tables are not, the drivers have errors of their own."""
    try:
        yield
    except Exception as error:
        if any(state in _ABSENT for state in _states_of(error)):
            raise _elsewhere(address) from error
        raise


def _states_of(error: Exception) -> Iterator[str | None]:
    """SQLSTATE by all names; frameworks hide their driver's error in theirs."""
    for one in (error, error.__cause__, getattr(error, "orig", None)):
        yield getattr(one, "sqlstate", None) or getattr(one, "pgcode", None)


def _answer(row: Any, address: Address) -> str:
    if row is None:
        raise _elsewhere(address)
    return str(next(iter(row.values())) if hasattr(row, "values") and callable(row.values) else row[0])


def _elsewhere(address: Address) -> ConfigError:
    return ConfigError(
        f"the connection is open on another database than {address.shown}: "
        "a job can only share a transaction with data in the same database"
    )
