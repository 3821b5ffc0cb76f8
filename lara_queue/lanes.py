"""Where handlers run: in the thread that called `listen`, one by one, or as tasks of an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from queuemgr.job import Lease

from .engine import Abandoned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .engine import Engine


class Line:
    """For one other thread, which iterates over it, and tells by `ended` how each job went. It cannot be broken off."""

    size = 1
    elsewhere = True

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop
        self._waiting: SimpleQueue[Lease | None] = SimpleQueue()
        self._ended: deque[tuple[Lease, BaseException | None]] = deque()
        self._told = False

    def put(self, lease: Lease) -> None:
        self._waiting.put(lease)

    def take_back(self) -> list[Lease]:
        taken: list[Lease] = []
        with suppress(Empty):
            while (lease := self._waiting.get_nowait()) is not None:
                taken.append(lease)
        return taken

    def cancel(self, job_id: str | None) -> None:
        pass

    def close(self) -> None:
        self._waiting.put(None)

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._waiting.get, None)

    def ended(self, lease: Lease, error: BaseException | None) -> None:
        self._ended.append((lease, error))
        # One call for all that end before the loop's turn.
        if not self._told:
            self._told = True
            self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        self._told = False
        while self._ended:
            self._engine.done(*self._ended.popleft())


class Tasks:
    """At most as many at once as `size` says at that moment."""

    elsewhere = False

    def __init__(
        self, engine: Engine, size: Callable[[], int], perform: Callable[[Lease], Awaitable[BaseException | None]]
    ) -> None:
        self._engine = engine
        self._size = size
        self._perform = perform
        self._waiting: deque[Lease] = deque()
        self.running: dict[str, asyncio.Task[None]] = {}
        self._broken_off: set[str] = set()

    @property
    def size(self) -> int:
        return self._size()

    def put(self, lease: Lease) -> None:
        self._waiting.append(lease)
        self._fill()

    def take_back(self) -> list[Lease]:
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def cancel(self, job_id: str | None) -> None:
        for known, task in list(self.running.items()):
            if job_id in (None, known):
                self._broken_off.add(known)
                task.cancel()

    def _fill(self) -> None:
        while self._waiting and len(self.running) < self.size:
            lease = self._waiting.popleft()
            self.running[lease.id] = asyncio.create_task(self._run(lease), name=f"{lease.task} {lease.id}")

    async def _run(self, lease: Lease) -> None:
        error: BaseException | None = Abandoned()
        try:
            error = await self._perform(lease)
        except asyncio.CancelledError as cancelled:
            # A handler that cancels itself has failed; one that was cancelled from here has not.
            error = Abandoned() if lease.id in self._broken_off else cancelled
        finally:
            del self.running[lease.id]
            self._broken_off.discard(lease.id)
            # The next one begins first: what its end asks for can wait.
            self._fill()
            self._engine.done(lease, error)
