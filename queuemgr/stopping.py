"""How long a worker that is to stop waits for its jobs, and for its store. It stops nothing itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock

# Seconds in which jobs that are stopped at last must end; a process is killed after five.
LAST_GRACE, HURRIED_GRACE = 6.0, 1.0


@dataclass(slots=True)
class Stopping:
    """The times of one worker: `asked` to stop, perhaps `hurried`. Asked again, it can only become sooner.

    `progress` is set whenever something has ended, and when the worker is asked.
    """

    clock: Clock
    progress: asyncio.Event
    asked: bool = False
    hurried: bool = False
    _deadline: float = inf

    def ask(self, grace: float) -> None:
        """Running jobs may end for `grace` seconds; where these are 0, what follows is hurried as well."""
        self.asked = True
        self.hurried = self.hurried or grace == 0
        self._deadline = min(self._deadline, self.clock.monotonic() + grace)

    def prolong(self) -> None:
        """The grace is over: this much is left for what must follow."""
        self._deadline = self.clock.monotonic() + (HURRIED_GRACE if self.hurried else LAST_GRACE)

    async def in_time(self, done: Callable[[], bool]) -> bool:
        """Wait for it; whether it came before the grace was over."""
        while not done() and (left := self._deadline - self.clock.monotonic()) > 0:
            self.progress.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.progress.wait(), left)
        return done()
