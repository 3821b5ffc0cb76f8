"""Laravel's table of failed jobs: what ended dead here is written as Laravel's own commands want it.

Where the application has no such table, one of ours takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.dialects.laravel.why import Why
from queuemgr.job import State

from .connecting import marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .connecting import Transaction

FALLBACK = "queuemgr_failed_jobs"
NOTE = "\n\nqueuemgr: "
TABLE = (
    f"CREATE TABLE {FALLBACK} (id {{serial}}, uuid VARCHAR(255) NOT NULL UNIQUE, connection TEXT NOT NULL,"
    " queue TEXT NOT NULL, payload {text} NOT NULL, exception {text} NOT NULL, failed_at TIMESTAMP NOT NULL){table}"
)
COLUMNS = "uuid, queue, payload, exception, failed_at"


@dataclass(frozen=True, slots=True)
class Failure:
    """A row: `payload` is its exact bytes."""

    uuid: str
    queue: str
    payload: bytes
    why: Why


class FailedTable:
    """`connection` is the name by which Laravel's configuration knows the queues whose failures these are."""

    def __init__(self, name: str, connection: str) -> None:
        self._name = name
        self._connection = connection

    def put(self, tx: Transaction, failure: Failure) -> None:
        """Once for each job: a failure of the same uuid is replaced."""
        table = self._table(tx, make=True)
        tx.change(f"DELETE FROM {table} WHERE uuid = ?", failure.uuid)
        tx.change(
            f"INSERT INTO {table} (connection, {COLUMNS}) VALUES (?, ?, ?, ?, ?, {tx.kind.instant})",
            *(self._connection, failure.uuid, failure.queue, failure.payload.decode(), _exception(failure.why)),
            datetime.fromtimestamp(failure.why.at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        )

    def take_payload(self, tx: Transaction, uuid: str, jobs: str, row: int) -> None:
        """Let a failure have the payload of this row in the table of jobs."""
        inner = f"SELECT payload FROM {jobs} WHERE id = ?"
        tx.change(f"UPDATE {self._table(tx, make=True)} SET payload = ({inner}) WHERE uuid = ?", row, uuid)

    def page(self, tx: Transaction, queue: str | None, first: int, most: int) -> list[Failure]:
        """The newest first."""
        if (table := self._table(tx)) is None:
            return []
        of_queue, values = ("", ()) if queue is None else ("AND queue = ?", (queue,))
        sql = f"SELECT {COLUMNS} FROM {table} WHERE connection = ? {of_queue} ORDER BY id DESC LIMIT ? OFFSET ?"
        return [_failure(*row) for row in tx.rows(sql, self._connection, *values, most, first)]

    def get(self, tx: Transaction, uuid: str) -> Failure | None:
        if (table := self._table(tx)) is None:
            return None
        rows = tx.rows(f"SELECT {COLUMNS} FROM {table} WHERE connection = ? AND uuid = ?", self._connection, uuid)
        return _failure(*rows[0]) if rows else None

    def counts(self, tx: Transaction) -> dict[str, int]:
        """By queue."""
        if (table := self._table(tx)) is None:
            return {}
        sql = f"SELECT queue, COUNT(*) FROM {table} WHERE connection = ? GROUP BY queue"
        return dict(tx.rows(sql, self._connection))

    def remove(self, tx: Transaction, uuids: Sequence[str]) -> int:
        """How many there were."""
        if (table := self._table(tx)) is None:
            return 0
        sql = f"DELETE FROM {table} WHERE connection = ? AND uuid = ?"
        return sum(tx.change(sql, self._connection, uuid) for uuid in uuids)

    def prune(self, tx: Transaction, before: float, most: int) -> int:
        """Forget what ended before this moment in a table of ours; Laravel's own is pruned by Laravel."""
        if self._table(tx) != FALLBACK:
            return 0
        moment = datetime.fromtimestamp(before, UTC).strftime("%Y-%m-%d %H:%M:%S")
        ids = [
            row
            for (row,) in tx.rows(f"SELECT id FROM {FALLBACK} WHERE failed_at < ? ORDER BY id LIMIT ?", moment, most)
        ]
        return tx.change(f"DELETE FROM {FALLBACK} WHERE id IN ({marks(ids)})", *ids) if ids else 0

    def _table(self, tx: Transaction, *, make: bool = False) -> str | None:
        tables = tx.tables()
        if self._name in tables:
            return self._name
        if FALLBACK not in tables and make:
            tx.make({FALLBACK}, [TABLE])
        return FALLBACK if FALLBACK in tables or make else None


def _exception(why: Why) -> str:
    """As Laravel shows it: the class, the message, where it was. What only we read comes last."""
    error = why.error or {}
    kind = error.get("type") or f"queuemgr.{why.word or 'dead'}"
    text = f"{kind}: {error.get('message') or why.reason}\n{error.get('traceback') or why.reason}"
    # The traceback stands above already.
    brief = {**error, "traceback": ""} if "traceback" in error else error
    note = msgspec.json.encode(msgspec.structs.replace(why, error=brief or None)).decode()
    return f"{text}{NOTE}{note}".replace("\x00", "\ufffd")


def _failure(uuid: str, queue: str, payload: Any, exception: str, failed_at: Any) -> Failure:
    body = payload if isinstance(payload, bytes) else str(payload).encode()
    return Failure(uuid, queue, body, _why(exception, _moment(failed_at)))


def _why(exception: str, at: float) -> Why:
    text, found, note = exception.rpartition(NOTE)
    if found:
        try:
            why = msgspec.json.decode(note, type=Why)
        except msgspec.MsgspecError:
            pass
        else:
            if why.error and "traceback" in why.error:
                return msgspec.structs.replace(why, error={**why.error, "traceback": text.partition("\n")[2]})
            return why
    first = exception.partition("\n")[0]
    kind, colon, message = first.partition(": ")
    told = {"type": kind, "message": message} if colon else {"type": "", "message": first}
    return Why(State.DEAD, "failed", first, at, {**told, "traceback": exception})


def _moment(told: Any) -> float:
    try:
        moment = told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
