"""The versions of our tables, and the way from each to the next; with each step all functions become those of today.

What they are stands in sql/. A migration is never changed once released; a new one is appended, also where functions
alone have changed.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING
from uuid import uuid4

from queuemgr.errors import ForeignStore, NewerStore, StoreError

if TYPE_CHECKING:
    from .address import Address
    from .connecting import Connection

MIGRATIONS = ("v1_tables", "v2_leave", "v3_life")
FUNCTIONS = ("waking", "ending", "enqueue", "workers", "claim")
VERSION = len(MIGRATIONS)

_OURS = (
    "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'p', 'v') ORDER BY 1"
)


def version_of(connection: Connection, address: Address) -> int:
    """0 where the schema is absent or empty. Raises ForeignStore."""
    schema = address.schema
    names = [row[0] for row in connection.execute(_OURS, (f'"{schema}"',))]
    if not names:
        return 0
    row = None
    if "meta" in names and {"jobs", "done"} <= set(names):
        row = connection.execute(f"SELECT value FROM \"{schema}\".meta WHERE key = 'schema'").fetchone()
    if row is None or not str(row[0]).isdigit():
        raise ForeignStore(
            f"{address.shown}: the schema {schema!r} has a table {names[0]!r} that queuemgr did not make; "
            "choose another one with ?schema=NAME"
        )
    return int(row[0])


def migrate(connection: Connection, address: Address) -> tuple[int, int]:
    """Bring the schema to this version, within the caller's transaction; the versions before and after.

    Raises NewerStore, ForeignStore.
    """
    _take_turn(connection, address)
    version = version_of(connection, address)
    require_not_newer(version, address)
    for number in range(version, VERSION):
        if number == 0:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{address.schema}"')
        connection.execute(script_of(MIGRATIONS[number], address.schema))
    if version == 0:
        connection.execute(f"INSERT INTO \"{address.schema}\".meta VALUES ('id', %s), ('schema', '0')", (uuid4().hex,))
    if version < VERSION:
        for name in FUNCTIONS:
            connection.execute(script_of(name, address.schema))
        set_version = f"UPDATE \"{address.schema}\".meta SET value = %s WHERE key = 'schema'"
        connection.execute(set_version, (str(VERSION),))
    make_large_results(connection, address)
    return version, VERSION


def make_large_results(connection: Connection, address: Address) -> None:
    """The tables of large results, where they are not there yet, within the caller's transaction."""
    _take_turn(connection, address)
    table = f'"{address.schema}".large_result_holders'
    if connection.execute("SELECT to_regclass(%s) IS NULL", (table,)).fetchone() == (True,):
        connection.execute(script_of("large_results", address.schema))


def require(connection: Connection, address: Address) -> str:
    """Make the schema fit for use, or say why it is not; the mark by which it is known. Raises StoreError."""
    version = version_of(connection, address)
    require_not_newer(version, address)
    if version < VERSION:
        _bring_up(version, connection, address)
    row = connection.execute(f"SELECT value FROM \"{address.schema}\".meta WHERE key = 'id'").fetchone()
    return str(row[0]) if row else ""


def versions(connection: Connection, address: Address) -> tuple[int, int]:
    return version_of(connection, address), VERSION


def _bring_up(version: int, connection: Connection, address: Address) -> None:
    if not address.migrates:
        what = "has no tables of ours yet" if version == 0 else f"is at schema {version}, and {VERSION} is needed"
        raise StoreError(
            f"{address.shown} {what}, and migrate=manual forbids to change that here: "
            "run `queuemgr store migrate URL` as a user who may change tables"
        )
    migrate(connection, address)


def _take_turn(connection: Connection, address: Address) -> None:
    """Whoever comes second waits here, and then finds nothing to do."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('queuemgr migration'), hashtext(%s))", (address.schema,))


def require_not_newer(version: int, address: Address) -> None:
    if version > VERSION:
        raise NewerStore(
            f"{address.shown} was written by a newer queuemgr (schema {version}, this one knows {VERSION}): "
            "update queuemgr everywhere that uses it"
        )


def script_of(name: str, schema: str) -> bytes:
    """The script with our schema's name in the place of `queuemgr`."""
    text = files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    named = re.sub(r"\bqueuemgr\.(?!errors)", f'"{schema}".', text).replace("'queuemgr'", f"'{schema}'")
    return named.encode()
