"""Our own tables beside Laravel's: who works, what each has reserved, and keys with values. They hold no job.

They are made by the first worker, or the first key that is written; looking makes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import msgspec

from queuemgr.liveness import Life, is_alive
from queuemgr.store import WorkerInfo

if TYPE_CHECKING:
    from .connecting import Transaction

WORKERS, HOLDS, KEYS = "queuemgr_workers", "queuemgr_holds", "queuemgr_keys"
CACHE, LOCKS = "cache", "cache_locks"
TABLES = (
    f"CREATE TABLE {WORKERS} (id VARCHAR(200) PRIMARY KEY, told TEXT NOT NULL, beat_at {{moment}} NOT NULL){{table}}",
    (
        f"CREATE TABLE {HOLDS} (job BIGINT PRIMARY KEY, uuid VARCHAR(255) NOT NULL, worker VARCHAR(200) NOT NULL,"
        " token BIGINT NOT NULL, counted BIGINT NOT NULL, cancelled SMALLINT NOT NULL){table}"
    ),
    f"CREATE INDEX {HOLDS}_worker ON {HOLDS} (worker)",
    f"CREATE TABLE {KEYS} (name VARCHAR(200) PRIMARY KEY, value {{bytes}} NOT NULL, until {{moment}}){{table}}",
)


class Book:
    """`lease` seconds of silence end the life of a worker that no kernel here can tell of."""

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._is_there = False

    def is_there(self, tx: Transaction) -> bool:
        """Whether our tables have been made."""
        self._is_there = self._is_there or {WORKERS, HOLDS, KEYS} <= tx.tables()
        return self._is_there

    def make(self, tx: Transaction) -> None:
        if self.is_there(tx):
            return
        tx.make({WORKERS, HOLDS, KEYS}, TABLES)

    # workers

    def write(self, tx: Transaction, worker: WorkerInfo, now: float) -> None:
        self.make(tx)
        self.forget(tx, worker.id)
        told = msgspec.json.encode(asdict(worker)).decode()
        tx.change(f"INSERT INTO {WORKERS} (id, told, beat_at) VALUES (?, ?, ?)", worker.id, told, now)

    def forget(self, tx: Transaction, worker: str) -> None:
        tx.change(f"DELETE FROM {WORKERS} WHERE id = ?", worker)

    def beat(self, tx: Transaction, worker: str, now: float) -> bool:
        """Whether the worker is known."""
        return tx.change(f"UPDATE {WORKERS} SET beat_at = ? WHERE id = ?", now, worker) > 0

    def bears(self, tx: Transaction, worker: str, life: Life) -> bool:
        """Whether it is that process which has the worker's name."""
        rows = tx.rows(f"SELECT told, beat_at FROM {WORKERS} WHERE id = ?", worker) if self.is_there(tx) else []
        return any(msgspec.json.decode(told, type=WorkerInfo).life == life for told, _ in rows)

    def workers(self, tx: Transaction, now: float) -> list[WorkerInfo]:
        if not self.is_there(tx):
            return []
        found = [self._read(told, beat_at, now) for told, beat_at in tx.rows(f"SELECT told, beat_at FROM {WORKERS}")]
        return sorted(found, key=lambda one: (one.started_at, one.id))

    def _read(self, told: str, beat_at: float, now: float) -> WorkerInfo:
        one = replace(msgspec.json.decode(told, type=WorkerInfo), beat_at=beat_at)
        return replace(one, alive=is_alive(one.host, one.pid, one.birth, now - beat_at, self._lease))

    # the locks of Laravel's cache, where that is in this database

    def has_locks(self, tx: Transaction) -> bool:
        return LOCKS in tx.tables()

    def free(self, tx: Transaction, lock: str, owner: str) -> None:
        """`owner` '' is anybody."""
        if self.has_locks(tx):
            of_owner, values = (" AND owner = ?", (owner,)) if owner else ("", ())
            tx.change(f'DELETE FROM {LOCKS} WHERE "key" = ?{of_owner}', lock, *values)

    def cached(self, tx: Transaction, key: str) -> bytes | None:
        """What Laravel's cache in this database keeps under a key; None also where it is kept elsewhere."""
        rows = tx.rows(f'SELECT value FROM {CACHE} WHERE "key" = ?', key) if CACHE in tx.tables() else []
        return str(rows[0][0]).encode() if rows else None

    # keys

    def key_get(self, tx: Transaction, key: str, now: float) -> bytes | None:
        if not self.is_there(tx):
            return None
        rows = tx.rows(f"SELECT value FROM {KEYS} WHERE name = ? AND (until IS NULL OR until > ?)", key, now)
        return bytes(rows[0][0]) if rows else None

    def key_put(self, tx: Transaction, key: str, value: bytes, until: float | None, now: float) -> bool:
        """False where it has a value already."""
        self.make(tx)
        tx.change(f"DELETE FROM {KEYS} WHERE until <= ?", now)
        return tx.add(f"INSERT INTO {KEYS} (name, value, until) VALUES (?, ?, ?)", key, value, until)

    def key_add(self, tx: Transaction, key: str, amount: int, until: float | None, now: float) -> int:
        # The row is ours from here to the end of the transaction.
        have = f"UPDATE {KEYS} SET name = name WHERE name = ? AND (until IS NULL OR until > ?)"
        if not (self.is_there(tx) and tx.change(have, key, now)) and not self.key_put(tx, key, b"0", until, now):
            tx.change(have, key, now)
        total = int(self.key_get(tx, key, now) or b"0") + amount
        tx.change(f"UPDATE {KEYS} SET value = ? WHERE name = ?", b"%d" % total, key)
        return total

    def key_remove_if(self, tx: Transaction, key: str, value: bytes) -> bool:
        return self.is_there(tx) and tx.change(f"DELETE FROM {KEYS} WHERE name = ? AND value = ?", key, value) > 0
