"""Carries requests of synchronous and foreign servers into an event loop of its own. It opens no port."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .asgi import FOR_AGENTS
from .opening import Opening
from .whole import answer_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

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

    def following(self) -> Callable[[Coroutine[Any, Any, bytes | None]], Future[bytes | None] | None]:
        """Carries out what belongs to the loop that runs now; None once that is closed."""
        loop = self._running()

        def carry_out(work: Coroutine[Any, Any, bytes | None]) -> Future[bytes | None] | None:
            with self._lock:
                if self._loop is loop:
                    return asyncio.run_coroutine_threadsafe(work, loop)
            work.close()
            return None

        return carry_out

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
        # Streams whose last piece is on its way: nobody will ask for the next one.
        await asyncio.get_running_loop().shutdown_asyncgens()

    async def _handled(self, request: Request) -> Response:
        site, agents = await self._opening.open(), self._opening.agents
        if agents is not None and request.path == FOR_AGENTS:
            return await answer_whole(agents, request)
        return await site.handle(request)

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
        self._carry_out = bridge.following()
        self._body = body
        self._chunks = aiter(body)
        self._over = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        coming = self._carry_out(_next(self._chunks))
        piece = None if coming is None else coming.result()
        if piece is None:
            self._over = True
            raise StopIteration
        return piece

    def close(self) -> None:
        if not self._over:
            self._over = True
            if (closing := self._carry_out(self._body.aclose())) is not None:
                closing.result()


class AsyncChunks:
    """The same for another event loop."""

    def __init__(self, bridge: Bridge, body: Any) -> None:
        self._carry_out = bridge.following()
        self._body = body
        self._chunks = aiter(body)

    async def __aiter__(self) -> Any:
        try:
            while (coming := self._carry_out(_next(self._chunks))) is not None:
                if (piece := await asyncio.wrap_future(coming)) is None:
                    break
                yield piece
        finally:
            if (closing := self._carry_out(self._body.aclose())) is not None:
                await asyncio.shield(asyncio.wrap_future(closing))


async def _next(chunks: Any) -> bytes | None:
    """None at the end, when what made them is closed."""
    piece: bytes | None = await anext(chunks, None)
    if piece is None:
        await chunks.aclose()
    return piece
