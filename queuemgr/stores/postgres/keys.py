"""A few atomic words on small values, on which limits, locks and caches can ride. It interprets no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import StoreError

if TYPE_CHECKING:
    from .connecting import Connection


def get(key: str, given: float | None, connection: Connection) -> bytes | None:
    found = connection.execute(
        "SELECT value FROM keys WHERE key = %s AND (expires_at IS NULL OR expires_at > clock(%s))",
        (key, given),
    ).fetchone()
    return None if found is None else bytes(found[0])


def put_if_absent(key: str, value: bytes, ttl: float | None, given: float | None, connection: Connection) -> bool:
    put = connection.execute(
        "INSERT INTO keys AS old VALUES (%s, %s, clock(%s) + %s)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at"
        " WHERE old.expires_at <= clock(%s)",
        (key, value, given, ttl, given),
    )
    return put.rowcount == 1


def add(key: str, amount: int, ttl: float | None, given: float | None, connection: Connection) -> int:
    """The new sum; `ttl` counts from the first amount."""
    while True:
        if put_if_absent(key, b"%d" % amount, ttl, given, connection):
            return amount
        found = connection.execute("SELECT value FROM keys WHERE key = %s FOR UPDATE", (key,)).fetchone()
        if found is None:
            continue
        try:
            total = int(found[0]) + amount
        except ValueError:
            raise StoreError(f"the key {key!r} holds no number, so nothing can be added to it") from None
        connection.execute("UPDATE keys SET value = %s WHERE key = %s", (b"%d" % total, key))
        return total


def remove_if(key: str, value: bytes, given: float | None, connection: Connection) -> bool:
    removed = connection.execute(
        "DELETE FROM keys WHERE key = %s AND value = %s AND (expires_at IS NULL OR expires_at > clock(%s))",
        (key, value, given),
    )
    return removed.rowcount == 1
