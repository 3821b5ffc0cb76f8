"""Lets synchronous code call asynchronous code: one event loop in one thread for each process. It runs no jobs."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Portal:
    """Started by the first call, forgotten after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    def call(self, coroutine: Coroutine[Any, Any, T], instead: str) -> T:
        """Run it to its end and return what it returns.

        Raises RuntimeError inside a running event loop, which it would block; `instead` names what to await there.
        """
        if asyncio._get_running_loop() is not None:
            coroutine.close()
            raise RuntimeError(f"this would block the event loop that runs here: await {instead} instead")
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result()

    def close(self) -> None:
        with self._lock:
            if self._loop is not None and self._thread is not None and self._pid == os.getpid():
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
            self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="queuemgr portal", daemon=True)
                self._thread.start()
                self._pid = os.getpid()
            return self._loop
