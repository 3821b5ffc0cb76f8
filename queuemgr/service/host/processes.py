"""The processes that jobs run in, as the service uses them: with a word to each run, and new code on request.

Job classes that were seen are imported ahead, in a new process to fork from, so that no job need wait for that. It
starts no process by itself.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.executor import Call, Why
    from queuemgr.executors.processes import ProcessExecutor
    from queuemgr.outcome import Outcome
    from queuemgr.service.told import Inspected, InspectedJob

    Make = Callable[[tuple[str, ...], Callable[[str], None]], ProcessExecutor]

log = logging.getLogger("queuemgr.service")

GATHER = 0.2
"""Seconds in which classes that are seen for the first time are taken together."""

PATIENCE = 60.0
"""Seconds that importing them may take."""

MOST = 3
"""Processes to fork from at a time: the newest, and those whose jobs have not ended."""


class Processes:
    """An Executor. `make` gives one that has the users' code as it is now; older ones end with their last run.

    It is given the names of the job classes that are to be imported ahead, and whom to tell of further ones.
    """

    def __init__(self, make: Make) -> None:
        self._make = make
        self._ahead: set[str] = set()
        self._unfit: set[str] = set()
        self._seen: set[str] = set()
        self._learning: asyncio.Task[None] | None = None
        self._runs: dict[Call, ProcessExecutor] = {}
        self._newest = make((), self._see)

    async def open(self) -> None:
        await self._newest.open()

    async def close(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.gather(self._learning, return_exceptions=True)
        for executor in {self._newest, *self._runs.values()}:
            await _end(executor)

    async def run(self, call: Call) -> Outcome:
        executor = self._runs[call] = self._newest
        try:
            return await executor.run(call)
        finally:
            del self._runs[call]
            if executor is not self._newest and executor not in self._runs.values():
                await _end(executor)

    def interrupt(self, call: Call, why: Why) -> None:
        self.stop(call, why, None, None)

    def stop(self, call: Call, why: Why, notice: float | None, grace: float | None) -> None:
        """As `ProcessExecutor.stop`."""
        if (executor := self._runs.get(call)) is not None:
            executor.stop(call, why, notice, grace)
        else:
            call.why = call.why or why

    def suspend(self, call: Call) -> bool:
        return (executor := self._runs.get(call)) is not None and executor.suspend(call)

    def resume(self, call: Call) -> bool:
        return (executor := self._runs.get(call)) is not None and executor.resume(call)

    def is_suspended(self, call: Call) -> bool:
        executor = self._runs.get(call)
        child = None if executor is None else executor.child_of(call)
        return child is not None and child.suspended

    async def inspect(self, call: Call) -> InspectedJob | None:
        executor = self._runs.get(call)
        seen = None if executor is None else await executor.inspect(call)
        # The executor stands below the service and cannot name the type.
        return None if seen is None else {**cast("Inspected", seen), "suspended": self.is_suspended(call)}

    async def reload(self) -> None:
        self._ahead.clear()
        self._unfit.clear()
        self._seen.clear()
        made = self._make((), self._see)
        await made.open()
        await self._replace_by(made)

    async def _replace_by(self, made: ProcessExecutor) -> None:
        before, self._newest = self._newest, made
        if before not in self._runs.values():
            await _end(before)

    def _see(self, name: str) -> None:
        """A job class was imported by a job, and may as well be imported ahead."""
        if name not in self._ahead and name not in self._unfit:
            self._seen.add(name)
            if self._learning is None:
                self._learning = asyncio.get_running_loop().create_task(self._learn(), name="queuemgr ahead")

    async def _learn(self) -> None:
        try:
            while self._seen:
                await asyncio.sleep(GATHER)
                if len({self._newest, *self._runs.values()}) < MOST:
                    await self._import_ahead(frozenset(self._seen))
        finally:
            self._learning = None

    async def _import_ahead(self, seen: frozenset[str]) -> None:
        before = self._newest
        made = self._make((*sorted(self._ahead), *sorted(seen)), self._see)
        ready = False
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(PATIENCE):
                ready = await made.begun()
        if self._newest is not before:
            await _end(made)
            return
        self._seen -= seen
        if not ready:
            log.warning("%s cannot be imported ahead; each job of theirs does it by itself", ", ".join(sorted(seen)))
            self._unfit |= seen
            await _end(made)
            return
        self._ahead |= seen
        await self._replace_by(made)


async def _end(executor: ProcessExecutor) -> None:
    """It must harm no job, and none of those that are ended after it."""
    try:
        await executor.close()
    except Exception:
        log.exception("processes to fork from could not be ended; the service goes on without them")
