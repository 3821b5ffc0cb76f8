"""Waits until there is work, or until a job has ended. An ear says when to look again; nobody polls.

It changes no job.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from queuemgr.errors import JobNotFound
from queuemgr.job import State

from .ear import Ear
from .loops import PerLoop
from .packing import reference
from .server import TROUBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuemgr.clock import Clock

    from .server import Server

LOOK_ANYWAY = 5.0
"""Seconds after which who waits looks again though nothing was heard."""


@dataclass(slots=True)
class Rest:
    """A worker's loop that claims: if there is too little for it, the claim itself puts it in line for more.

    Where nothing rang since, a wait for the same queues need not look. What `prepare` gives is called in the moment in
    which it rings.
    """

    ear: Ear
    queues: frozenset[str]
    rung: int
    due: float | None = None
    prepare: Callable[[], Callable[[], None] | None] | None = None

    @property
    def channel(self) -> str:
        return self.ear.channel

    def stands_in_line(self, due: float | None) -> None:
        self.due = due
        self.ear.rest = self


class Waiting:
    """What somebody waits for in this store. One ear for each event loop that waits."""

    def __init__(self, server: Server, clock: Clock, heard: Callable[[bytes, float], None]) -> None:
        self._server = server
        self._clock = clock
        self._heard = heard
        self._ears = PerLoop(self._open)

    def line_up(self, queues: Sequence[str]) -> Rest | None:
        """For a claim of this loop, if it has ever waited."""
        ear = self._ears.there()
        if ear is None:
            return None
        ear.rest = None
        return Rest(ear, frozenset(queues), ear.rung)

    async def for_work(self, queues: Sequence[str], timeout: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        ear = await self._ears.get()
        called = ear.called
        while ear.called == called:
            rest = ear.rest
            if rest is None or rest.rung != ear.rung or rest.queues != frozenset(queues):
                rest = await self._look(ear, queues)
            if rest is None:
                return
            left = deadline - loop.time()
            soon = LOOK_ANYWAY if rest.due is None else rest.due - self._clock.now()
            if left <= 0 or soon <= 0:
                return
            ear.woken = rest.prepare and rest.prepare()
            try:
                await ear.ring(rest.rung, min(soon, left, LOOK_ANYWAY))
            finally:
                ear.rest = ear.woken = None

    async def _look(self, ear: Ear, queues: Sequence[str]) -> Rest | None:
        """None where there is work now."""
        rest = Rest(ear, frozenset(queues), ear.rung)
        asked_at = self._clock.monotonic()
        now, due = await self._server.run("wait", {"queues": queues, "channel": ear.channel})
        self._heard(now, asked_at)
        if due == b"0":
            return None
        rest.due = None if due is None else float(due)
        return rest

    async def for_end(self, job_id: str, timeout: float | None) -> State | None:
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            ear = await self._ears.get()
            expected = ear.expect(job_id)
            try:
                state = await self._state(job_id, ear)
                left = LOOK_ANYWAY if deadline is None else deadline - loop.time()
                if state is not None or left <= 0:
                    return state
                await ear.until(expected, min(left, LOOK_ANYWAY))
            finally:
                ear.forget(job_id, expected)

    async def _state(self, job_id: str, ear: Ear) -> State | None:
        """The final state. Where there is none yet, the ear will hear of it."""
        state = await self._server.run("await", {"job": reference(job_id), "channel": ear.channel})
        if state is None:
            raise JobNotFound(job_id)
        return None if state < 0 else State(state)

    async def close(self) -> None:
        await self._ears.close()

    async def _open(self) -> Ear:
        tries = self._server.tries()
        while True:
            try:
                return await Ear.open(self._server.address)
            except TROUBLE as error:
                await asyncio.sleep(tries.failed(error))
