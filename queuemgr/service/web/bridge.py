"""Carries requests of synchronous and foreign servers into an event loop of its own. It opens no port."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .opening import Opening

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from .config import WebConfig
    from .request import Request, Response

T = TypeVar("T")


LAST_PIECES = 5.0
"""Seconds that answers have to end when the page is closed."""


class Bridge:
    """Begins with the first request, and anew after a fork. `close` it where nothing else ends the process."""

    def __init__(self, config: WebConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opening = Opening(config)
        self._pid = 0

    def answer(self, request: Request) -> Response:
        """For threads: waits. Its body, where that is no bytes, is for `Chunks` or `AsyncChunks`."""
        return self.run(self._handled(request))

    async def aanswer(self, request: Request) -> Response:
        """For any event loop."""
        return await self.arun(self._handled(request))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._running()).result()

    async def arun(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._running()))

    def close(self) -> None:
        """End all streams, and close the store."""
        with self._lock:
            if self._loop is not None and self._thread is not None and self._pid == os.getpid():
                asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
            self._loop = self._thread = None

    async def _end(self) -> None:
        """Whoever waits for the next piece of a stream is told that there is none, before the loop stops."""
        await self._opening.close()
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        if waiting:
            await asyncio.wait(waiting, timeout=LAST_PIECES)

    async def _handled(self, request: Request) -> Response:
        return await (await self._opening.open()).handle(request)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._opening = Opening(self.config)
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="queuemgr page", daemon=True)
                self._thread.start()
                self._pid = os.getpid()
            return self._loop


class Chunks:
    """The body of a response for a server of WSGI, which closes it."""

    def __init__(self, bridge: Bridge, body: Any) -> None:
        self._bridge = bridge
        self._body = body
        self._chunks = aiter(body)
        self._over = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        piece = self._bridge.run(_next(self._chunks))
        if piece is None:
            self._over = True
            raise StopIteration
        return piece

    def close(self) -> None:
        if not self._over:
            self._over = True
            self._bridge.run(self._body.aclose())


class AsyncChunks:
    """The same for another event loop."""

    def __init__(self, bridge: Bridge, body: Any) -> None:
        self._bridge = bridge
        self._body = body
        self._chunks = aiter(body)

    async def __aiter__(self) -> Any:
        try:
            while (piece := await self._bridge.arun(_next(self._chunks))) is not None:
                yield piece
        finally:
            await asyncio.shield(self._bridge.arun(self._body.aclose()))


async def _next(chunks: Any) -> bytes | None:
    """None at the end, when what made them is closed."""
    piece: bytes | None = await anext(chunks, None)
    if piece is None:
        await chunks.aclose()
    return piece
