"""What people ask of the store: looking at jobs, and changing them as far as Laravel's tables have a place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from queuemgr.dialect import Ability, Limited
from queuemgr.dialects.laravel.format import WAYS_OUT
from queuemgr.dialects.laravel.payload import parse
from queuemgr.dialects.laravel.picking import reason
from queuemgr.dialects.laravel.verbs import act_of
from queuemgr.dialects.laravel.why import read_why
from queuemgr.errors import UndecodableError
from queuemgr.job import State
from queuemgr.store import KEEP_DEAD

from .failed import Failure
from .rows import New

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from queuemgr.clock import Clock
    from queuemgr.dialects.laravel.format import Laravel
    from queuemgr.job import JobRecord
    from queuemgr.store import Page, Query, QueueInfo, WorkerInfo

    from .book import Book
    from .connecting import Database, Transaction
    from .failed import FailedTable
    from .listing import Found, Listing
    from .rows import Jobs

T = TypeVar("T")

BY_HAND = "cancelled by hand"


class TableDesk(Limited):
    """The part of the store that no worker needs."""

    ways_out: Mapping[Ability, str] = WAYS_OUT
    dialect: Laravel
    clock: Clock
    _jobs: Jobs
    _failed: FailedTable
    _book: Book
    _listing: Listing

    _database: Database

    async def _do(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        return await self._database.do(work, write=write)

    async def get(self, job_id: str) -> JobRecord:
        return (await self._found(job_id)).record

    async def raw(self, job_id: str) -> bytes:
        """The payload's exact bytes. Raises JobNotFound."""
        return (await self._found(job_id)).body

    async def arguments(self, job_id: str) -> bytes:
        """Raises UndecodableError where only Laravel can see them."""
        found = await self._found(job_id)
        payload = parse(found.body, 0) if found.payload is None else found.payload
        contents = self.dialect.contents(payload)
        if contents.obstacle is not None and contents.args == b"[[]]":
            raise UndecodableError(f"the arguments of job {job_id} cannot be shown: {contents.obstacle}")
        return contents.args

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page:
        return await self._do(lambda tx: self._listing.find(tx, query, limit, after, self.clock.now()), write=False)

    async def count(self, query: Query) -> int:
        return await self._do(lambda tx: self._listing.count(tx, query, self.clock.now()), write=False)

    async def queues(self) -> list[QueueInfo]:
        return await self._do(lambda tx: self._listing.queues(tx, self.clock.now()), write=False)

    async def workers(self) -> list[WorkerInfo]:
        return await self._do(lambda tx: self._book.workers(tx, self.clock.now()), write=False)

    async def change(self, verb: str, query: Query) -> int:
        acts = {"retry": self._retry, "cancel": self._cancel, "delete": self._delete}
        act = act_of(verb, acts, self.ways_out)

        def changed(tx: Transaction) -> int:
            return sum(act(tx, found) for found in self._listing.all(tx, query, self.clock.now()))

        return await self._do(changed)

    async def prune(self, limit: int = 1000) -> int:
        def pruned(tx: Transaction) -> int:
            if self._book.is_there(tx):
                self._jobs.sweep(tx)
            return self._failed.prune(tx, self.clock.now() - KEEP_DEAD, limit)

        return await self._do(pruned)

    async def key_get(self, key: str) -> bytes | None:
        return await self._do(lambda tx: self._book.key_get(tx, key, self.clock.now()), write=False)

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        now = self.clock.now()
        return await self._do(lambda tx: self._book.key_put(tx, key, value, _until(now, ttl), now))

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        now = self.clock.now()
        return await self._do(lambda tx: self._book.key_add(tx, key, amount, _until(now, ttl), now))

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        return await self._do(lambda tx: self._book.key_remove_if(tx, key, value))

    async def _found(self, job_id: str) -> Found:
        return await self._do(lambda tx: self._listing.get(tx, job_id, self.clock.now()), write=False)

    def _retry(self, tx: Transaction, found: Found) -> int:
        now, failure = self.clock.now(), found.failure
        if failure is None:
            return self._jobs.run_now(tx, found.row or 0, now)
        body = found.body
        if found.payload is not None:
            # The count of its leases goes on, so that no reservation is ever like one before.
            marker = replace(found.payload.marker.at_rest(), claims=failure.why.claims)
            body = found.payload.changed(attempts=0, marker=marker, anytime=True)
        gone = self._failed.remove(tx, [failure.uuid])
        if gone:
            self._jobs.add(tx, [New(queue=failure.queue, payload=body, at=now)], now)
        return gone

    def _cancel(self, tx: Transaction, found: Found) -> int:
        if found.failure is not None or found.row is None:
            return 0
        if found.record.state is State.RUNNING:
            return self._jobs.stop(tx, found.row) if self._book.is_there(tx) else 0
        gone = self._jobs.remove(tx, [found.row], waiting=True)
        if gone:
            claims = 0 if found.payload is None else found.payload.marker.claims
            why = read_why(reason(State.CANCELLED, "cancelled", BY_HAND, self.clock.now(), claims=claims))
            body = found.body
            if found.payload is not None:
                body = found.payload.changed(marker=found.payload.marker.at_rest())
            self._failed.put(tx, Failure(found.record.id, found.record.queue, body, why))
        return gone

    def _delete(self, tx: Transaction, found: Found) -> int:
        if found.failure is not None:
            return self._failed.remove(tx, [found.failure.uuid])
        return self._jobs.remove(tx, [found.row or 0], waiting=True)


def _until(now: float, ttl: float | None) -> float | None:
    return None if ttl is None else now + ttl
