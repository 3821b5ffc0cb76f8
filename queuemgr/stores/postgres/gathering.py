"""Enqueues that wait at the same moment share one commit: whoever has the turn takes along what the others brought.

Jobs with unique keys go by themselves, because each such call may be refused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from queuemgr.errors import JobExists, StoreError, StoreUnavailable
from queuemgr.store import Enqueued

from .encoding import decode_enqueue, encode_job, encode_jobs
from .statements import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuemgr.job import Job

    from .direct import Direct
    from .wire import Wire

MOST_PER_COMMIT = 5000


class _Brought:
    """What one caller wants to enqueue."""

    __slots__ = ("done", "error", "jobs")

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.done = False
        self.error: BaseException | None = None

    def answer(self) -> list[Enqueued]:
        if self.error is not None:
            raise self.error
        return [Enqueued(job.id) for job in self.jobs]


class _Basket:
    def __init__(self) -> None:
        self._waiting: list[_Brought] = []

    def bring(self, jobs: Sequence[Job]) -> _Brought:
        brought = _Brought(jobs)
        self._waiting.append(brought)
        return brought

    def take(self) -> list[_Brought]:
        taken: list[_Brought] = []
        number = 0
        while self._waiting and (not taken or number + len(self._waiting[0].jobs) <= MOST_PER_COMMIT):
            one = self._waiting.pop(0)
            taken.append(one)
            number += len(one.jobs)
        return taken


class Gathering:
    """In one event loop."""

    def __init__(self, wire: Wire, given: Callable[[], float | None]) -> None:
        self._wire = wire
        self._given = given
        self._turn = asyncio.Lock()
        self._basket = _Basket()

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        if any(job.unique for job in jobs):
            return enqueued(jobs, await self._wire.ask(_enqueue(jobs, self._given())))
        mine = self._basket.bring(jobs)
        while not mine.done:
            async with self._turn:
                if not mine.done:
                    await self._put(self._basket.take())
        return mine.answer()

    async def _put(self, taken: list[_Brought]) -> None:
        try:
            await self._wire.ask(_put(taken, self._given()))
        except Exception as error:
            if len(taken) > 1 and _is_of_one(error):
                for one in taken:
                    await self._put([one])
            else:
                _fail(taken, error)
        except BaseException:
            _fail(taken, StoreUnavailable("the enqueue was interrupted; whether it happened is not known"))
            raise
        finally:
            for one in taken:
                one.done = True


class GatheringNow:
    """Among threads."""

    def __init__(self, direct: Direct, given: Callable[[], float | None]) -> None:
        self._direct = direct
        self._given = given
        self._basket = _Basket()

    def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        if any(job.unique for job in jobs):
            return enqueued(jobs, self._direct.ask(_enqueue(jobs, self._given())))
        mine = self._basket.bring(jobs)
        while not mine.done:
            with self._direct.turn:
                if not mine.done:
                    self._put(self._basket.take())
        return mine.answer()

    def _put(self, taken: list[_Brought]) -> None:
        try:
            self._direct.ask(_put(taken, self._given()))
        except Exception as error:
            if len(taken) > 1 and _is_of_one(error):
                for one in taken:
                    self._put([one])
            else:
                _fail(taken, error)
        except BaseException:
            _fail(taken, StoreUnavailable("the enqueue was interrupted; whether it happened is not known"))
            raise
        finally:
            for one in taken:
                one.done = True


def enqueued(jobs: Sequence[Job], answer: bytes | str | None) -> list[Enqueued]:
    """What the function `enqueue` answered. Raises JobExists."""
    told = decode_enqueue(answer or b"{}")
    if told.taken is not None:
        raise JobExists(*told.taken)
    return [Enqueued(*one) for one in told.jobs] if told.jobs else [Enqueued(job.id) for job in jobs]


def _enqueue(jobs: Sequence[Job], given: float | None) -> Question:
    return Question("enqueue", (encode_jobs(jobs), given, False))


def _put(taken: list[_Brought], given: float | None) -> Question:
    jobs = taken[0].jobs if len(taken) == 1 else [job for one in taken for job in one.jobs]
    if len(jobs) == 1 and not jobs[0].tags:
        return Question("put_one", (*encode_job(jobs[0]), given))
    return Question("put", (encode_jobs(jobs), given, False))


def _is_of_one(error: Exception) -> bool:
    """Whether one of the jobs may be to blame, so that the others must not suffer."""
    return not isinstance(error, StoreError) or type(error) is StoreError


def _fail(taken: list[_Brought], error: BaseException) -> None:
    for one in taken:
        one.error = error
