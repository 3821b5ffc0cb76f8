"""Large results in the PostgreSQL database of the store: rows of bounded size, and who needs them.

A store that was made by an older version gets their tables with the first of them. It decides on no lifetime.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import sql

from queuemgr.errors import StoreError
from queuemgr.result import Holding, Owner

from .address import read_address
from .direct import Direct
from .schema import make_large_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .connecting import Connection

    T = TypeVar("T")

_READ = """
SELECT start, data FROM {chunk} WHERE number = %s AND start < %s
AND start >= coalesce((SELECT max(start) FROM {chunk} WHERE number = %s AND start <= %s), 0) ORDER BY start
"""


class PostgresPlace:
    """`url` is the store's."""

    def __init__(self, url: str) -> None:
        self._address = read_address(url)
        self.name = self._address.shown
        self._direct = Direct(self._address)
        self._there = False
        names = {"large": "large_results", "chunk": "large_result_chunks", "holder": "large_result_holders"}
        self._names = {short: sql.Identifier(self._address.schema, name) for short, name in names.items()}

    def draft(self, owner: Owner) -> PostgresDraft:
        """Raises StoreError."""
        self._make()

        def begin(connection: Connection) -> int:
            self.run(connection, "DELETE FROM {large} WHERE draft = %s", owner.name)
            row = self.run(connection, "INSERT INTO {large} (draft) VALUES (%s) RETURNING number", owner.name)
            return int(row[0][0])

        return PostgresDraft(self, owner, self.transact(begin))

    def open(self, digest: str) -> PostgresSource:
        """Raises KeyError, StoreError."""
        found = self.ask("SELECT number, size FROM {large} WHERE digest = %s", digest) if self._is_there() else ()
        if not found:
            raise KeyError(digest)
        return PostgresSource(self, *found[0])

    def growing(self, owner: Owner) -> PostgresSource | None:
        if not self._is_there():
            return None
        found = self.ask("SELECT number, NULL FROM {large} WHERE draft = %s", owner.name)
        return PostgresSource(self, *found[0]) if found else None

    def holdings(self) -> Iterator[Holding]:
        """Everything that is here."""
        if not self._is_there():
            return
        for name, size in self.ask("SELECT draft, size FROM {large} WHERE draft IS NOT NULL"):
            yield Holding(Owner.named(name), None, size)
        kept = "SELECT owner, digest, size FROM {large} LEFT JOIN {holder} USING (digest) WHERE digest IS NOT NULL"
        for name, digest, size in self.ask(kept):
            yield Holding(None if name is None else Owner.named(name), digest, size)

    def release(self, holdings: Sequence[Holding]) -> int:
        """Forget these; bytes that nobody holds any more go. How many bytes went."""
        return sum(self.transact(partial(self._let_go, holding)) for holding in holdings)

    def belongs_to(self, store_id: str) -> bool:
        """It is a part of its store."""
        return bool(store_id)

    def close(self) -> None:
        """Hang up; the next question connects anew."""
        self._direct.close()

    def transact(self, work: Callable[[Connection], T]) -> T:
        """In one transaction, perhaps twice. Raises StoreError."""
        return self._direct.transact(work)

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.transact(lambda connection: self.run(connection, statement, *values))

    def run(self, connection: Connection, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        done = connection.execute(sql.SQL(statement).format(**self._names), values or None, binary=True)
        return done.fetchall() if done.description else []

    def take_turn(self, connection: Connection, digest: str) -> None:
        """Nobody else adds a holder of these bytes, or removes them, before the transaction ends."""
        name = f"{self._address.schema}.{digest}"
        self.run(connection, "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", name)

    def _let_go(self, holding: Holding, connection: Connection) -> int:
        name = None if holding.owner is None else holding.owner.name
        if holding.digest is None:
            gone = self.run(connection, "DELETE FROM {large} WHERE draft = %s RETURNING size", name)
        else:
            self.take_turn(connection, holding.digest)
            self.run(connection, "DELETE FROM {holder} WHERE digest = %s AND owner = %s", holding.digest, name)
            useless = "DELETE FROM {large} WHERE digest = %s AND NOT EXISTS (SELECT FROM {holder} WHERE digest = %s)"
            gone = self.run(connection, f"{useless} RETURNING size", holding.digest, holding.digest)
        return sum(int(row[0]) for row in gone)

    def _is_there(self) -> bool:
        table = f'"{self._address.schema}".large_result_holders'
        self._there = self._there or self.ask("SELECT to_regclass(%s) IS NOT NULL", table)[0][0]
        return self._there

    def _make(self) -> None:
        if self._is_there():
            return
        if not self._address.migrates:
            raise StoreError(
                f"{self.name} has no tables for large results yet, and migrate=manual forbids to make them here: "
                "run `queuemgr store migrate URL` as a user who may, and give this one its rights again"
            )
        self.transact(lambda connection: make_large_results(connection, self._address))
        self._there = True


class PostgresDraft:
    """Rows that grow in number. Once something went wrong they are gone."""

    def __init__(self, place: PostgresPlace, owner: Owner, number: int) -> None:
        self._place = place
        self._name = owner.name
        self._number = number
        self._size = 0
        self._open = True

    def write(self, data: bytes) -> None:
        """Raises StoreError; then the draft is no more."""
        place, start, number = self._place, self._size, self._number

        def add(connection: Connection) -> None:
            # What is not on the disk yet gets there with the commit of `keep`.
            place.run(connection, "SET LOCAL synchronous_commit = off")
            known = "ON CONFLICT (number, start) DO UPDATE SET data = excluded.data"
            place.run(connection, "INSERT INTO {chunk} VALUES (%s, %s, %s) " + known, number, start, data)
            place.run(connection, "UPDATE {large} SET size = %s WHERE number = %s", start + len(data), number)

        try:
            place.transact(add)
        except BaseException:
            with suppress(StoreError):
                self.discard()
            raise
        self._size += len(data)

    def keep(self, digest: str) -> None:
        """Raises StoreError."""
        place = self._place

        def take(connection: Connection) -> None:
            place.take_turn(connection, digest)
            holder = "INSERT INTO {holder} VALUES (%s, %s) ON CONFLICT DO NOTHING"
            place.run(connection, holder, digest, self._name)
            known = place.run(connection, "SELECT number FROM {large} WHERE digest = %s", digest)
            if known:
                other = "DELETE FROM {large} WHERE number = %s AND number <> %s"
                place.run(connection, other, self._number, known[0][0])
            else:
                mine = "UPDATE {large} SET draft = NULL, digest = %s WHERE number = %s"
                place.run(connection, mine, digest, self._number)

        place.transact(take)
        self._open = False

    def discard(self) -> None:
        if self._open:
            self._open = False
            self._place.ask("DELETE FROM {large} WHERE number = %s", self._number)


class PostgresSource:
    """`size` is None as long as it may grow."""

    def __init__(self, place: PostgresPlace, number: int, size: int | None) -> None:
        self.name = place.name
        self._place = place
        self._number = number
        self._size = size

    def size(self) -> int:
        if self._size is not None:
            return self._size
        found = self._place.ask("SELECT size FROM {large} WHERE number = %s", self._number)
        return int(found[0][0]) if found else 0

    def read(self, offset: int, length: int) -> bytes:
        """Fewer than `length` only at the end."""
        rows = self._place.ask(_READ, self._number, offset + length, self._number, offset)
        if not rows:
            return b""
        first = rows[0][0]
        data = rows[0][1] if len(rows) == 1 else b"".join(row[1] for row in rows)
        return bytes(data[offset - first : offset - first + length])

    def close(self) -> None:
        """Nothing is open."""
