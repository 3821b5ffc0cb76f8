"""What the tests of the watchdog share: one that is open, a call that runs under it as in a worker, and a clock.

Nothing here passes time: a block lasts until the watchdog has said or done what a test waits for.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from queuemgr.executors.aio import AioExecutor
from queuemgr.testing.clock import ManualClock
from queuemgr.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from queuemgr.executor import Call
    from queuemgr.outcome import Outcome

THRESHOLD = 0.1
STEP = THRESHOLD / 2
PATIENCE = 60.0


class WatchedClock(ManualClock):
    """Stands still until it is turned, and counts in which thread it was read. What turns it blocks the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.read: Counter[str] = Counter()

    def monotonic(self) -> float:
        self.read[threading.current_thread().name] += 1
        return super().monotonic()

    @property
    def looks(self) -> int:
        """How often the watchdog's thread has read it: twice whenever it looks."""
        return self.read["queuemgr-watchdog"]

    def turn(self, seconds: float) -> None:
        """In steps so small that the watchdog never overslept."""
        for _ in range(round(seconds / STEP)):
            seen = self.looks
            self.advance(STEP)
            block_until(lambda seen=seen: self.looks >= seen + 3)  # type: ignore[misc]


@asynccontextmanager
async def watched(**options: Any) -> AsyncIterator[Watchdog]:
    watchdog = Watchdog(asyncio.get_running_loop(), THRESHOLD, **options)
    watchdog.open()
    try:
        yield watchdog
    finally:
        await petted(watchdog)
        watchdog.close()


async def petted(watchdog: Watchdog) -> None:
    """Until the loop has told it that it goes on, which is when it tells of the end of a block."""
    async with asyncio.timeout(PATIENCE):
        while watchdog._due <= watchdog._clock.monotonic():
            await asyncio.sleep(0.005)


async def until(met: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not met():
            await asyncio.sleep(0.005)


def block_until(met: Callable[[], object]) -> None:
    """Keep the loop, and not the GIL."""
    deadline = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def run(call: Call, **options: Any) -> Outcome:
    """Run it in an asyncio task of its own, watched."""

    async def main() -> Outcome:
        async with watched(**options):
            return await asyncio.create_task(AioExecutor().run(call), name="the worker's own")

    return asyncio.run(main())
