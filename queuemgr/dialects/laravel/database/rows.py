"""Laravel's table of jobs, and who of us has reserved which of its rows. Every statement on them is here.

A row that one of us has reserved looks as one that Laravel's worker has, and its payload stays as it is. Who has it is
told beside it, so that only its holder may end it, and only as long as nobody else has taken it over.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from queuemgr.errors import StoreError

from .book import HOLDS
from .connecting import marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .connecting import Row as Answer
    from .connecting import Transaction

AT_ONCE = 100
AT_ONCE_BYTES = 2 * 1024 * 1024
HELD = f"JOIN {HOLDS} h ON h.job = j.id AND h.counted = j.attempts AND j.reserved_at IS NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A job on its way into the table. `at` is the moment from which it may run."""

    queue: str
    payload: bytes
    at: float
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """`payload` is None where it is too large. `token` and `counted` tell what reservation of ours it has outlived."""

    id: int
    payload: bytes | None
    attempts: int
    token: int | None
    counted: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """A row that a worker of ours has reserved."""

    id: int
    queue: str
    payload: bytes
    attempts: int
    uuid: str
    worker: str
    token: int
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """Which rows a claim looks for. `needles` are texts of which one stands in the payload of every wanted job."""

    queue: str
    now: float
    retry_after: float
    needles: tuple[str, ...]

    def condition(self, tx: Transaction) -> tuple[str, list[Any]]:
        """Those that may be taken now. What no worker can read is among them, so that it is put away."""
        sql = "j.queue = ? AND ((j.reserved_at IS NULL AND j.available_at <= ?) OR j.reserved_at <= ?)"
        values: list[Any] = [self.queue, int(self.now), int(self.now - self.retry_after)]
        if self.needles != ("",):
            ours = " OR ".join(f"{tx.kind.find}(j.payload, ?) > 0" for _ in self.needles)
            sound = " AND ".join("j.payload LIKE ?" for _ in range(3))
            sql += f" AND ({ours}{' OR ' if ours else ''}NOT ({sound}))"
            values += [*self.needles, "{%}", '%"job":"%', '%"data":%']
        return sql, values


class Jobs:
    """`name` is the table's."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_there = False

    def check(self, tx: Transaction) -> None:
        """Raises StoreError where Laravel has no such table."""
        self._is_there = self._is_there or self._name in tx.tables()
        if not self._is_there:
            raise StoreError(
                f"{tx.kind.shown} has no table {self._name}: make it with `php artisan queue:table` (since Laravel 11 "
                "`make:queue-table`) and `php artisan migrate`, or name it by `table` in the store's URL"
            )

    def add(self, tx: Transaction, jobs: Sequence[New], now: float) -> None:
        """In this order."""
        sql = f"INSERT INTO {self._name} (queue, payload, attempts, reserved_at, available_at, created_at) VALUES "
        for part in _parts(jobs):
            values = [
                value
                for job in part
                for value in (job.queue, job.payload.decode(), job.attempts, _moment(job.at, now), int(now))
            ]
            tx.change(sql + ", ".join(["(?, ?, ?, NULL, ?, ?)"] * len(part)), *values)

    def waiting(self, tx: Transaction, want: Want, after: int, most: int, max_size: int) -> list[Waiting]:
        """From the row that follows `after` on, for this transaction alone."""
        condition, values = want.condition(tx)
        payload = f"CASE WHEN {tx.kind.size} <= ? THEN j.payload END"
        sql = (
            f"SELECT j.id, {payload}, j.attempts FROM {self._name} j WHERE {condition} AND j.id > ?"
            f" ORDER BY j.id LIMIT ? {tx.kind.lock}{tx.kind.skip}"
        )
        rows = tx.rows(sql, max_size, *values, after, most)
        holds = {job: (token, counted) for job, _, _, token, counted, _ in _holds(tx, [row for row, *_ in rows])}
        return [Waiting(row, _bytes(body), attempts, *holds.get(row, (None, None))) for row, body, attempts in rows]

    def is_anything(self, tx: Transaction, want: Want, but: Iterable[int]) -> bool:
        """Whether there is a row to take other than those."""
        condition, values = want.condition(tx)
        left_out = list(but)
        others = f" AND j.id NOT IN ({marks(left_out)})" if left_out else ""
        sql = f"SELECT 1 FROM {self._name} j WHERE {condition}{others} LIMIT 1"
        return bool(tx.rows(sql, *values, *left_out))

    def next_due(self, tx: Transaction, queues: Sequence[str], now: float) -> float | None:
        sql = f"SELECT MIN(available_at) FROM {self._name} WHERE queue IN ({marks(queues)})"
        due = (
            tx.rows(f"{sql} AND reserved_at IS NULL AND available_at > ?", *queues, int(now))[0][0] if queues else None
        )
        return None if due is None else float(due)

    def reserve(
        self, tx: Transaction, taken: Sequence[tuple[int, str, int, int, bool]], worker: str, now: float
    ) -> None:
        """Rows that this transaction has: id, uuid, token, attempts, and whether the reservation counts as one."""
        for counts in (False, True):
            ids = [row for row, *_, counted in taken if counted is counts]
            if ids:
                sql = f"UPDATE {self._name} SET reserved_at = ?, attempts = attempts + ? WHERE id IN ({marks(ids)})"
                tx.change(sql, int(now), int(counts), *ids)
        if not taken:
            return
        self.let_go(tx, [row for row, *_ in taken])
        values = [
            value
            for row, uuid, token, attempts, counted in taken
            for value in (row, uuid, worker, token, attempts + counted, 0)
        ]
        sql = f"INSERT INTO {HOLDS} (job, uuid, worker, token, counted, cancelled) VALUES "
        tx.change(sql + ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(taken)), *values)

    def held(self, tx: Transaction, *, worker: str | None = None, ids: Sequence[int] = ()) -> list[Held]:
        """What a worker has reserved, or of these rows those that one of us has; for this transaction alone."""
        if worker is not None:
            ids = [job for job, _ in _of_worker(tx, worker)]
        found = self._locked(tx, "j.id, j.attempts, j.queue, j.payload", ids)
        return [
            Held(job, queue, _bytes(payload) or b"", attempts, uuid, holder, token, bool(cancelled))
            for (job, attempts, queue, payload), (_, uuid, holder, token, _, cancelled) in found
            if worker in (None, holder)
        ]

    def renew(self, tx: Transaction, worker: str, now: float) -> list[str]:
        """Keep what the worker has reserved; the uuids of what somebody wants stopped."""
        mine = [job for job, _ in _of_worker(tx, worker)]
        ids = [hold[0] for _, hold in self._locked(tx, "j.id, j.attempts", mine) if hold[2] == worker]
        if ids:
            tx.change(f"UPDATE {self._name} SET reserved_at = ? WHERE id IN ({marks(ids)})", int(now), *ids)
        return [uuid for _, uuid in _of_worker(tx, worker, cancelled=True)]

    def put_back(self, tx: Transaction, row: int, payload: bytes, attempts: int, at: float, now: float) -> None:
        """End a reservation; the job may run from the moment `at` on."""
        tx.change(
            f"UPDATE {self._name} SET payload = ?, attempts = ?, reserved_at = NULL, available_at = ? WHERE id = ?",
            *(payload.decode(), attempts, _moment(at, now), row),
        )
        self.let_go(tx, [row])

    def run_now(self, tx: Transaction, row: int, now: float) -> int:
        """Of a job that waits for its moment; how many there were."""
        sql = f"UPDATE {self._name} SET available_at = ? WHERE id = ? AND reserved_at IS NULL AND available_at > ?"
        return tx.change(sql, int(now), row, int(now))

    def remove(self, tx: Transaction, ids: Sequence[int], *, waiting: bool = False) -> int:
        """How many there were. `waiting`: only those that nobody has reserved."""
        if not ids:
            return 0
        free = " AND reserved_at IS NULL" if waiting else ""
        gone = tx.change(f"DELETE FROM {self._name} WHERE id IN ({marks(ids)}){free}", *ids)
        if not waiting:
            self.let_go(tx, ids)
        return gone

    def stop(self, tx: Transaction, row: int) -> int:
        """Mark a job of one of our workers; 0 where it is none."""
        if not self._locked(tx, "j.id, j.attempts", [row]):
            return 0
        return tx.change(f"UPDATE {HOLDS} SET cancelled = 1 WHERE job = ?", row)

    def let_go(self, tx: Transaction, ids: Sequence[int]) -> None:
        tx.change(f"DELETE FROM {HOLDS} WHERE job IN ({marks(ids)})", *ids)

    def sweep(self, tx: Transaction) -> None:
        """Forget reservations whose rows Laravel's workers have done with."""
        tx.change(f"DELETE FROM {HOLDS} WHERE job NOT IN (SELECT id FROM {self._name})")

    def page(self, tx: Transaction, where: str, values: Sequence[Any], most: int, *, holders: bool) -> list[Answer]:
        """For looking, the newest first: the columns of the table, then worker and token."""
        columns = "j.id, j.queue, j.payload, j.attempts, j.reserved_at, j.available_at, j.created_at"
        ours, join = ("h.worker, h.token", f"LEFT {HELD}") if holders else ("NULL, NULL", "")
        sql = f"SELECT {columns}, {ours} FROM {self._name} j {join} WHERE {where} ORDER BY j.id DESC LIMIT ?"
        return tx.rows(sql, *values, most)

    def counts(self, tx: Transaction, now: float, retry_after: float) -> list[Answer]:
        """Queue, whether reserved, whether delayed, and how many."""
        reserved = "CASE WHEN reserved_at > ? THEN 1 ELSE 0 END"
        delayed = "CASE WHEN reserved_at IS NULL AND available_at > ? THEN 1 ELSE 0 END"
        sql = f"SELECT queue, {reserved}, {delayed}, COUNT(*) FROM {self._name} GROUP BY 1, 2, 3"
        return tx.rows(sql, int(now - retry_after), int(now))

    def _locked(self, tx: Transaction, columns: str, ids: Sequence[int]) -> list[tuple[Answer, Answer]]:
        """Of these rows those that one of us has, each with its hold; for this transaction alone.

        A row is locked before its hold is read, so that the two belong together.
        """
        sql = f"SELECT {columns} FROM {self._name} j WHERE j.id IN ({marks(ids)}) AND j.reserved_at IS NOT NULL"
        rows = tx.rows(f"{sql} ORDER BY j.id {tx.kind.lock}", *ids) if ids else []
        holds = {hold[0]: hold for hold in _holds(tx, [row[0] for row in rows])}
        return [(row, hold) for row in rows if (hold := holds.get(row[0])) is not None and hold[4] == row[1]]


def _holds(tx: Transaction, ids: Sequence[int]) -> list[Answer]:
    """Row, uuid, worker, token, counted, and whether it is to be stopped."""
    sql = f"SELECT job, uuid, worker, token, counted, cancelled FROM {HOLDS} WHERE job IN ({marks(ids)})"
    return tx.rows(sql, *ids) if ids else []


def _of_worker(tx: Transaction, worker: str, *, cancelled: bool = False) -> list[Answer]:
    """Row and uuid."""
    only = " AND cancelled = 1" if cancelled else ""
    return tx.rows(f"SELECT job, uuid FROM {HOLDS} WHERE worker = ?{only}", worker)


def _parts(jobs: Sequence[New]) -> Iterator[list[New]]:
    """As many as one statement takes."""
    part: list[New] = []
    size = 0
    for job in jobs:
        if part and (len(part) == AT_ONCE or size + len(job.payload) > AT_ONCE_BYTES):
            yield part
            part, size = [], 0
        part.append(job)
        size += len(job.payload)
    if part:
        yield part


def _moment(at: float, now: float) -> int:
    """Laravel counts whole seconds: what is due is due, and nothing starts early."""
    return int(now) if at <= now else ceil(at)


def _bytes(payload: Any) -> bytes | None:
    return payload if payload is None or isinstance(payload, bytes) else str(payload).encode("utf-8", "surrogateescape")
