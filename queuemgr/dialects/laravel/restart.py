"""`php artisan queue:restart`: the moment that Laravel leaves in its cache, and what our workers do about it.

It only asks; the worker that hears of it ends as it ends on SIGTERM, with the jobs that run.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable

KEY = "illuminate:queue:restart"
EVERY = 1.0

log = logging.getLogger("queuemgr.laravel")


class Restart:
    """`read` returns what stands in the cache; None where nothing does."""

    def __init__(self, read: Callable[[], Awaitable[bytes | None]]) -> None:
        self._read = read
        self._known: bytes | None = None
        self._asked = float("-inf")
        self.called = False

    async def begin(self) -> None:
        """A worker begins: what was called before does not concern it."""
        self._known, self._asked = await self._read(), time.monotonic()

    async def ask(self) -> bool:
        """Whether it has been called since; asked not more often than once a second."""
        if not self.called and time.monotonic() - self._asked >= EVERY:
            self._asked = time.monotonic()
            if await self._read() != self._known:
                self.called = True
                log.info("`queue:restart` was called: this worker ends, and whoever watches it starts another")
                _end_this_process()
        return self.called


def _end_this_process() -> None:
    # Without a handler the signal would kill what runs; then this worker only takes no more jobs.
    if signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.SIG_IGN, None):
        os.kill(os.getpid(), signal.SIGTERM)
