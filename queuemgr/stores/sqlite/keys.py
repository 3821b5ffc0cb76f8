"""A few atomic words on small values, on which limits, locks and caches can ride. It interprets no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import StoreError

if TYPE_CHECKING:
    import sqlite3


def get(key: str, now: float, connection: sqlite3.Connection) -> bytes | None:
    found = connection.execute(
        "SELECT value FROM queuemgr_keys WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)", (key, now)
    ).fetchone()
    return None if found is None else bytes(found[0])


def put_if_absent(key: str, value: bytes, ttl: float | None, now: float, connection: sqlite3.Connection) -> bool:
    connection.execute("DELETE FROM queuemgr_keys WHERE key = ? AND expires_at <= ?", (key, now))
    put = connection.execute(
        "INSERT OR IGNORE INTO queuemgr_keys VALUES (?, ?, ?)",
        (key, value, None if ttl is None else now + ttl),
    )
    return put.rowcount == 1


def add(key: str, amount: int, ttl: float | None, now: float, connection: sqlite3.Connection) -> int:
    """The new sum; `ttl` counts from the first amount."""
    before = get(key, now, connection)
    if before is None:
        put_if_absent(key, b"%d" % amount, ttl, now, connection)
        return amount
    try:
        total = int(before) + amount
    except ValueError:
        raise StoreError(f"the key {key!r} holds no number, so nothing can be added to it") from None
    connection.execute("UPDATE queuemgr_keys SET value = ? WHERE key = ?", (b"%d" % total, key))
    return total


def remove_if(key: str, value: bytes, now: float, connection: sqlite3.Connection) -> bool:
    removed = connection.execute(
        "DELETE FROM queuemgr_keys WHERE key = ? AND value = ? AND (expires_at IS NULL OR expires_at > ?)",
        (key, value, now),
    )
    return removed.rowcount == 1
