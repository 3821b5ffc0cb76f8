"""Lets synchronous code call asynchronous code: one event loop in one thread for each process. It runs no jobs."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import StoreUnavailable

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
        Raises StoreUnavailable where the portal is closed meanwhile.
        """
        if asyncio._get_running_loop() is not None:
            coroutine.close()
            raise RuntimeError(f"this would block the event loop that runs here: await {instead} instead")
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._running())
        try:
            return future.result()
        except CancelledError:
            raise StoreUnavailable(
                "the app was closed meanwhile; the next verb opens it again: ask once more"
            ) from None
        except BaseException:
            # Of no use to anybody who was interrupted (Ctrl-C); where it is its own error, it has ended.
            future.cancel()
            raise

    def close(self) -> None:
        with self._lock:
            if self._loop is not None and self._thread is not None and self._pid == os.getpid():
                asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
            self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._pid != os.getpid():
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="queuemgr portal", daemon=True)
            self._thread.start()
            self._pid = os.getpid()
        return self._loop


async def _cancel_others() -> None:
    """Other threads may wait here for what will not come any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
