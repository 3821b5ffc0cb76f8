"""Waits in one event loop until there is work, or until jobs have ended. A notification says when to look again.

Behind a pooler nobody is notified: then it looks again and again. It changes nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from queuemgr.errors import JobNotFound, QueuemgrError
from queuemgr.job import State

from .encoding import LookAnswer, decode_look, encode
from .statements import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .wire import Wire

WORK, END = 1, 2
"""The doors in sql/waking.sql at which somebody stands who waits."""

LOOK_ANYWAY = 1.0
# Who made a job ready just before we came to the door saw nobody there; his commit is a moment later.
LATER = (0.005, 0.05)
LINGER = 1.0
WITHOUT_NOTICE = (0.1, 0.2, 0.5)


class _Waiter:
    """Somebody who waits for work in `queues`, or for the end of `job`."""

    __slots__ = ("future", "job", "queues", "timeout", "timer")

    def __init__(self, future: asyncio.Future[State | None], timeout: float | None) -> None:
        self.future = future
        self.timeout = timeout
        self.timer: asyncio.TimerHandle | None = None
        self.queues: frozenset[str] = frozenset()
        self.job: str | None = None

    def wake(self, state: State | None = None) -> None:
        if not self.future.done():
            self.future.set_result(state)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Waiting:
    """Everybody who waits in one event loop. One look serves all of them."""

    def __init__(
        self,
        wire: Wire,
        loop: asyncio.AbstractEventLoop,
        given: Callable[[], float | None],
        heard: Callable[[float, float], None],
    ) -> None:
        self._wire = wire
        self._loop = loop
        self._given = given
        self._heard = heard
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stir = asyncio.Event()
        self._doors: set[int] = set()
        self._listens = False
        self._leaving: asyncio.TimerHandle | None = None
        wire.on_said = self._hear
        wire.on_lost = self._lose

    async def for_work(self, queues: Sequence[str], timeout: float) -> None:
        waiter = _Waiter(self._loop.create_future(), timeout)
        waiter.queues = frozenset(queues)
        await self._wait(waiter)

    async def for_end(self, job_id: str, timeout: float | None) -> State | None:
        waiter = _Waiter(self._loop.create_future(), timeout)
        waiter.job = job_id
        return await self._wait(waiter)

    def close(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        for waiter in self._waiters:
            waiter.wake()
        self._waiters.clear()
        if self._looking is not None and not self._loop.is_closed():
            self._looking.cancel()

    async def _wait(self, waiter: _Waiter) -> State | None:
        self._waiters.add(waiter)
        self._stir.set()
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._looking is None:
            self._looking = self._loop.create_task(self._look_on(), name="queuemgr look")
        try:
            return await waiter.future
        finally:
            self._waiters.discard(waiter)
            if waiter.timer is not None:
                waiter.timer.cancel()
            if not self._waiters and self._doors:
                self._leaving = self._loop.call_later(LINGER, self._leave)

    # the looks

    async def _look_on(self) -> None:
        """Look for as long as somebody waits."""
        try:
            while self._waiters:
                self._stir.clear()
                pauses = await self._attend()
                for pause in pauses:
                    told = await self._look()
                    self._distribute(told)
                    if not self._waiters or await self._stirred(told, pause):
                        break
        except QueuemgrError as error:
            for waiter in self._waiters:
                waiter.fail(error)
            self._waiters.clear()
        finally:
            self._looking = None
            if self._waiters and not self._loop.is_closed():
                self._looking = self._loop.create_task(self._look_on(), name="queuemgr look")

    async def _attend(self) -> tuple[float, ...]:
        """Be where notifications come and be seen waiting; for how long to pause after each look."""
        if self._wire.pooled:
            return WITHOUT_NOTICE
        if not self._listens:
            await self._wire.open()
            if bool(self._wire.pooled):
                return WITHOUT_NOTICE
            await self._wire.ask(Question("listen", ()))
            self._listens = True
        fresh = False
        for door in {END if waiter.job is not None else WORK for waiter in self._waiters} - self._doors:
            await self._wire.ask(Question("attend", (door,)))
            self._doors.add(door)
            fresh = True
        return (*LATER, LOOK_ANYWAY) if fresh else (LOOK_ANYWAY,)

    async def _look(self) -> LookAnswer:
        queues = sorted({queue for waiter in self._waiters for queue in waiter.queues})
        jobs = sorted({waiter.job for waiter in self._waiters if waiter.job is not None})
        asked_at = self._loop.time()
        answer = await self._wire.ask(Question("look", (encode(queues), encode(jobs), self._given())))
        told = decode_look(answer or b"")
        self._heard(told.now, asked_at)
        return told

    def _distribute(self, told: LookAnswer) -> None:
        ready, ended = frozenset(told.ready or ()), dict(told.ended or ())
        due = told.due is not None and told.due <= told.now
        for waiter in list(self._waiters):
            if waiter.job is None:
                if due or waiter.queues & ready:
                    waiter.wake()
            elif waiter.job in ended:
                state = ended[waiter.job]
                if state is None:
                    waiter.fail(JobNotFound(waiter.job))
                else:
                    waiter.wake(State(state))
            if waiter.future.done():
                self._waiters.discard(waiter)
            elif waiter.timer is None and waiter.timeout is not None:
                waiter.timer = self._loop.call_later(max(0.0, waiter.timeout), waiter.wake)

    async def _stirred(self, told: LookAnswer, pause: float) -> bool:
        """Wait until it is worth looking again; whether that is because something happened."""
        if told.due is not None and any(waiter.job is None for waiter in self._waiters):
            # Only who waits for work can do something about it. It may be long overdue while no worker lives.
            pause = min(pause, max(0.0, told.due - told.now))
        timer = self._loop.call_later(pause, self._stir.set)
        try:
            await self._stir.wait()
        finally:
            timer.cancel()
        return self._loop.time() < timer.when()

    # what the server says

    def _hear(self, said: str) -> None:
        word, _, queue = said.partition(" ")
        if word == "ready":
            for waiter in list(self._waiters):
                if queue in waiter.queues:
                    waiter.wake()
        elif word == "look" or any(waiter.job is not None for waiter in self._waiters):
            self._stir.set()

    def _lose(self) -> None:
        self._doors.clear()
        self._listens = False
        self._stir.set()

    def _leave(self) -> None:
        """Nobody waits any more: those who make jobs ready need not tell us."""
        self._leaving = None
        if not self._waiters and self._looking is None and self._doors:
            self._looking = self._loop.create_task(self._leave_doors(), name="queuemgr leave")

    async def _leave_doors(self) -> None:
        try:
            while self._doors and not self._waiters:
                door = self._doors.pop()
                await self._wire.ask(Question("ignore", (door,), repeats=False))
        except QueuemgrError:
            return
        finally:
            self._looking = None
            if self._waiters and not self._loop.is_closed():
                self._looking = self._loop.create_task(self._look_on(), name="queuemgr look")
