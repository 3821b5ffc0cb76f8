"""The processes that jobs run in, as the service uses them: with a word to each run, and new code on request.

It starts none by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.executor import Call, Why
    from queuemgr.executors.processes import ProcessExecutor
    from queuemgr.outcome import Outcome


class Processes:
    """An Executor. `make` gives one that has the users' code as it is now; older ones end with their last run."""

    def __init__(self, make: Callable[[], ProcessExecutor]) -> None:
        self._make = make
        self._newest = make()
        self._runs: dict[Call, ProcessExecutor] = {}

    async def open(self) -> None:
        await self._newest.open()

    async def close(self) -> None:
        for executor in {self._newest, *self._runs.values()}:
            await executor.close()

    async def run(self, call: Call) -> Outcome:
        executor = self._runs[call] = self._newest
        try:
            return await executor.run(call)
        finally:
            del self._runs[call]
            if executor is not self._newest and executor not in self._runs.values():
                await executor.close()

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

    async def inspect(self, call: Call) -> dict[str, Any] | None:
        executor = self._runs.get(call)
        seen = None if executor is None else await executor.inspect(call)
        return None if seen is None else seen | {"suspended": self.is_suspended(call)}

    async def reload(self) -> None:
        before, self._newest = self._newest, self._make()
        await self._newest.open()
        if before not in self._runs.values():
            await before.close()
