"""The caller's own connection, lent for one enqueue: its transaction stays the caller's. It commits nothing.

Drivers and frameworks are known by how their objects look; none is imported before the caller has done so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError

if TYPE_CHECKING:
    from .address import Address

# With the store's own mark, so that nothing is enqueued into another database that has such tables too. Notifications
# ride in the transaction, whether somebody waits now or not: the caller may commit much later.
_ASK = (
    'SELECT CAST("{schema}".enqueue(CAST({jobs} AS json), CAST({given} AS float8), true) AS text)'
    " FROM \"{schema}\".meta WHERE key = 'id' AND value = {mark}"
)


def ask_on(connection: Any, address: Address, jobs: bytes, given: float | None, mark: str) -> str:
    """What `enqueue` answers. Raises ConfigError where the object is no connection, or to elsewhere."""
    values = (jobs.decode(), given, mark)
    if hasattr(connection, "exec_driver_sql") or hasattr(connection, "get_bind"):
        row = connection.execute(*_for_sqlalchemy(address, values)).fetchone()
    elif hasattr(connection, "cursor"):
        with _cursor_of(connection) as cursor:
            cursor.execute(_sql(address, "%s", "%s", "%s"), values)
            row = cursor.fetchone()
    elif hasattr(connection, "fetchone"):
        connection.execute(_sql(address, "%s", "%s", "%s"), values)
        row = connection.fetchone()
    else:
        raise _unknown(connection)
    return _answer(row, address)


async def ask_on_async(connection: Any, address: Address, jobs: bytes, given: float | None, mark: str) -> str:
    """The same for asynchronous connections."""
    values = (jobs.decode(), given, mark)
    if hasattr(connection, "exec_driver_sql") or hasattr(connection, "get_bind"):
        row = (await connection.execute(*_for_sqlalchemy(address, values))).fetchone()
    elif hasattr(connection, "fetchrow"):
        row = await connection.fetchrow(_sql(address, "$1::text", "$2", "$3"), *values)
    elif hasattr(connection, "cursor"):
        async with connection.cursor() as cursor:
            await cursor.execute(_sql(address, "%s", "%s", "%s"), values)
            row = await cursor.fetchone()
    elif hasattr(connection, "fetchone"):
        await connection.execute(_sql(address, "%s", "%s", "%s"), values)
        row = await connection.fetchone()
    else:
        raise _unknown(connection)
    return _answer(row, address)


def _sql(address: Address, jobs: str, given: str, mark: str) -> str:
    return _ASK.format(schema=address.schema, jobs=jobs, given=given, mark=mark)


def _for_sqlalchemy(address: Address, values: tuple[str, float | None, str]) -> tuple[Any, dict[str, Any]]:
    from sqlalchemy import text

    return text(_sql(address, ":jobs", ":given", ":mark")), dict(zip(("jobs", "given", "mark"), values, strict=True))


def _cursor_of(connection: Any) -> Any:
    vendor = getattr(connection, "vendor", "postgresql")
    if vendor != "postgresql":
        raise ConfigError(
            f"the connection is to {vendor}: a job shares a transaction with data in the same database only"
        )
    return connection.cursor()


def _answer(row: Any, address: Address) -> str:
    if row is None:
        raise ConfigError(
            f"the connection is open on another database than {address.shown}: "
            "a job can only share a transaction with data in the same database"
        )
    return str(next(iter(row.values())) if hasattr(row, "values") and callable(row.values) else row[0])


def _unknown(connection: object) -> ConfigError:
    return ConfigError(
        f"{type(connection).__name__} is no connection that jobs can be enqueued on: "
        "pass one of psycopg, psycopg2, SQLAlchemy or Django"
    )
