"""The event loop of a worker, whose timers ring on time. It runs nothing by itself."""

from __future__ import annotations

import asyncio
import select
import selectors
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectors import SelectorKey

SELECTABLE = 1024
"""`select` takes descriptors below this number only."""


def new_loop() -> asyncio.AbstractEventLoop:
    """The loop that asyncio would make, with timers of microseconds where it is asyncio's own over epoll."""
    loop = asyncio.new_event_loop()
    if type(loop) is not asyncio.SelectorEventLoop or not hasattr(selectors, "EpollSelector"):
        return loop
    loop.close()
    return asyncio.SelectorEventLoop(_PunctualSelector())


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
