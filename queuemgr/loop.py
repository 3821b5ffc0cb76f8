"""The event loop of a worker: its timers ring on time, and what follows at once can. It runs nothing by itself."""

from __future__ import annotations

import asyncio
import select
import selectors
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque
    from selectors import SelectorKey

SELECTABLE = 1024
"""`select` takes descriptors below this number only."""


def new_loop() -> asyncio.AbstractEventLoop:
    """The loop that asyncio would make, with timers of microseconds where it is asyncio's own over epoll."""
    loop = asyncio.new_event_loop()
    if type(loop) is not asyncio.SelectorEventLoop or not hasattr(selectors, "EpollSelector"):
        return loop
    loop.close()
    return _WorkerLoop(_PunctualSelector())


def put_last_first() -> None:
    """Let what became ready last come next. A running loop that is not of `new_loop` stays as it is.

    Sleeps that end together wake one after another. If all that followed them began only then, in a row, their sleeps
    would end together again, and each would wait for all before it, round after round. Where each is followed at once,
    they drift apart.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, _WorkerLoop):
        loop.rotate()


class _WorkerLoop(asyncio.SelectorEventLoop):
    # Of asyncio's own. Before the eager tasks of Python 3.12, which run within the one that makes them, nothing public
    # changes the order.
    _ready: deque[asyncio.Handle]

    def rotate(self) -> None:
        self._ready.rotate(1)


class _PunctualSelector(selectors.EpollSelector):
    """epoll counts whole milliseconds, rounded up: a sleep of 10 ms would take 10.5 on average.

    `select` counts microseconds, and to it the epoll itself is one descriptor that can be awaited.
    """

    def __init__(self) -> None:
        super().__init__()
        self._awaited = [self.fileno()] if self.fileno() < SELECTABLE else []

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is not None and timeout > 0 and self._awaited:
            select.select(self._awaited, (), (), timeout)
            timeout = 0
        return super().select(timeout)
