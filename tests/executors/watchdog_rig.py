"""What the tests of the watchdog share: one that is open, and a call that runs under it as it does in a worker."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from queuemgr.executors.aio import AioExecutor
from queuemgr.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from queuemgr.executor import Call
    from queuemgr.outcome import Outcome

THRESHOLD = 0.1


@asynccontextmanager
async def watched(**options: Any) -> AsyncIterator[Watchdog]:
    watchdog = Watchdog(asyncio.get_running_loop(), THRESHOLD, **options)
    watchdog.open()
    try:
        yield watchdog
    finally:
        await asyncio.sleep(THRESHOLD)  # it tells of the end of a block with its next pet
        watchdog.close()


def run(call: Call, **options: Any) -> Outcome:
    """Run it in an asyncio task of its own, watched."""

    async def main() -> Outcome:
        async with watched(**options):
            return await asyncio.create_task(AioExecutor().run(call), name="the worker's own")

    return asyncio.run(main())
