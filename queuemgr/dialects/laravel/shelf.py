"""Laravel's table of failed jobs beside queues in Redis: dead jobs move there, and are looked at and taken from there.

A job is written to the table before it leaves Redis, so that it may be in both for a moment and is never in none.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from queuemgr.errors import JobNotFound, StoreError, UndecodableError
from queuemgr.job import State
from queuemgr.store import Page

from .database.address import failed_of
from .database.connecting import Database
from .database.failed import Failure
from .database.listing import CHUNK, Found, of_failure
from .listing import ENDED, fits
from .payload import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import JobRecord
    from queuemgr.store import Query

    from .database.connecting import Transaction
    from .format import Laravel
    from .why import Why

MARK = "failed:"

log = logging.getLogger("queuemgr.laravel")


class Shelf:
    """`url` leads to the database; its `table` is failed_jobs unless it says otherwise. Raises ConfigError."""

    def __init__(self, url: str, dialect: Laravel) -> None:
        kind, self._failed = failed_of(url, dialect.connection)
        self._database = Database(kind)
        self._dialect = dialect

    def close(self) -> None:
        self._database.close()

    async def put(self, queue: str, dead: Sequence[tuple[str, bytes, Why]]) -> list[str]:
        """Write down those that Laravel can read; their ids. None where the database does not answer: they stay."""
        fit = [(job_id, body, why) for job_id, body, why in dead if why.state is State.DEAD and _is_readable(body)]

        def write(tx: Transaction) -> None:
            for job_id, body, why in fit:
                self._failed.put(tx, Failure(job_id, queue, body, why))

        try:
            if fit:
                await self._database.do(write)
        except StoreError as error:
            log.warning(
                "dead jobs of %s stay in Redis for now, the table of failed jobs cannot be used: %s", queue, error
            )
            return []
        return [job_id for job_id, *_ in fit]

    async def get(self, job_id: str, now: float) -> Found:
        """Raises JobNotFound."""
        failure = await self._database.do(lambda tx: self._failed.get(tx, job_id), write=False)
        if failure is None:
            raise JobNotFound(job_id)
        return of_failure(failure, self._dialect, now)

    async def counts(self) -> dict[str, int]:
        """By queue."""
        return await self._database.do(self._failed.counts, write=False)

    async def all(self, query: Query, now: float) -> list[Found]:
        """The newest first."""
        found: list[Found] = []
        if query.states and not set(query.states) & set(ENDED):
            return found
        first = 0
        while page := await self._page(query.queue, first):
            first += len(page)
            found += [of_failure(failure, self._dialect, now) for failure in page]
        return [one for one in found if fits(one.record, query)]

    async def find(self, query: Query, limit: int, after: int | str | None, now: float) -> Page:
        """From the one that follows `after` on."""
        first = int(str(after).removeprefix(MARK)) if after else 0
        found = await self.all(query, now)
        jobs: list[JobRecord] = [
            replace(one.record, position=f"{MARK}{place}") for place, one in enumerate(found, 1) if place > first
        ]
        more = len(jobs) > limit
        return Page(jobs[:limit], jobs[limit - 1].position if more and limit else None)

    async def newest(self, queue: str, limit: int) -> list[Failure]:
        return await self._database.do(lambda tx: self._failed.page(tx, queue, 0, limit), write=False)

    async def remove(self, job_id: str) -> int:
        return await self._database.do(lambda tx: self._failed.remove(tx, [job_id]))

    async def _page(self, queue: str | None, first: int) -> list[Failure]:
        return await self._database.do(lambda tx: self._failed.page(tx, queue, first, CHUNK), write=False)


def _is_readable(body: bytes) -> bool:
    try:
        parse(body)
    except UndecodableError:
        return False
    return b"\x00" not in body
