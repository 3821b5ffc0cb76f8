"""A program of WSGI within an ASGI server, which ends a response where nobody reads it any more. It routes nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware

from .asgi import PATIENCE_FOR_BYTES, gone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .asgi import Receive, Scope, Send

LEFT = "queuemgr.left"


class Threaded:
    """Each request takes one of so many threads until its response has been sent."""

    def __init__(self, wsgi: Any, threads: int) -> None:
        def program(environment: Any, start_response: Any) -> Read:
            return Read(wsgi(environment, start_response), environment["asgi.scope"][LEFT])

        self._middleware: Any = WSGIMiddleware(program, workers=threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = threading.Event()
        watching: list[asyncio.Task[None]] = []

        async def watch() -> None:
            await gone(receive)
            left.set()

        async def passed(message: Any) -> None:
            if message["type"] == "http.response.start" and not _has_body(scope):
                watching.append(asyncio.create_task(watch()))
            if not left.is_set():
                try:
                    async with asyncio.timeout(PATIENCE_FOR_BYTES):
                        await send(message)
                except TimeoutError:
                    # An error would leave the thread waiting for somebody to take its next piece.
                    left.set()

        try:
            await self._middleware({**scope, LEFT: left}, receive, passed)
        finally:
            for task in watching:
                task.cancel()


class Read:
    """The pieces of a response until its reader has left."""

    def __init__(self, pieces: Iterable[bytes], left: threading.Event) -> None:
        self._pieces = pieces
        self._left = left

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if self._left.is_set():
                return
            yield piece

    def close(self) -> None:
        if (close := getattr(self._pieces, "close", None)) is not None:
            close()


def _has_body(scope: Scope) -> bool:
    """Only then somebody else waits for what the reader sends."""
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
