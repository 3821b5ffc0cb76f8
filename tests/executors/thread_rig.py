"""What the tests of jobs in threads share: an executor that is open, and a job that runs until it is stopped."""

from __future__ import annotations

import asyncio
import itertools
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from queuemgr.executors.threads import ThreadExecutor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from queuemgr.executor import Call
    from queuemgr.outcome import Outcome


@asynccontextmanager
async def opened(size: int = 4, grace: float = 2.0) -> AsyncIterator[ThreadExecutor]:
    executor = ThreadExecutor(size, grace)
    await executor.open()
    try:
        yield executor
    finally:
        await executor.close()


class Busy:
    """A task that runs Python code until it is stopped, and tells that it began."""

    __name__ = "busy"

    def __init__(self) -> None:
        self.began = threading.Event()

    def __call__(self) -> None:
        self.began.set()
        for _ in itertools.count():
            pass


class InC:
    """A task that sits in C code until it is let go, and tells that it began."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self._away = threading.Lock()
        self._away.acquire()

    def stay(self) -> None:
        self.began.set()
        self._away.acquire()

    def come_back(self) -> None:
        self._away.release()


async def start(executor: ThreadExecutor, call: Call, began: threading.Event) -> asyncio.Task[Outcome]:
    task = asyncio.create_task(executor.run(call))
    await until(began.is_set)
    return task


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.002)
