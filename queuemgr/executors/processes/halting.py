"""For how long a process was halted, and the time that its run has beyond its time-out because of that.

It sends no signal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Halt:
    """Of one process. Times are those of its event loop, in seconds."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._halted = self._granted = 0.0
        self._then: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, now: float) -> None:
        self._since = now

    def end(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self._since is not None
        self._halted += loop.time() - self._since
        self._since = None
        if (then := self._then) is not None:
            self._then = None
            self.grant(loop, then)

    def grant(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> bool:
        """False where no time was lost that has not been granted before; else `then` is called after that time."""
        if self._since is not None:
            self._then = then
            return True
        left, self._granted = self._halted - self._granted, self._halted
        if left > 0:
            self._timer = loop.call_later(left, then)
        return left > 0

    def cancel(self) -> None:
        self._then = None
        if self._timer is not None:
            self._timer.cancel()
