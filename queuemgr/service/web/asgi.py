"""The site as an ASGI application: for uvicorn, and for mounting into another application. It listens nowhere."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from queuemgr.service.access.headers import joined

from .problems import TooSlow, response_of
from .request import Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    from .core import Site
    from .opening import Opening

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds in which a viewer must take something of a live stream."""

PATIENCE_FOR_BYTES = 300.0
"""Seconds in which whoever reads a result must take the next piece of it."""

BODY = 60.0
"""Seconds in which the body of a request must have arrived."""

FOR_AGENTS = "/mcp"
"""The path at which agents are answered where that is wished for."""


async def answer(site: Site, scope: Scope, receive: Receive, send: Send) -> None:
    """One request from its first byte to the last of its response."""
    try:
        request = await read_request(scope, receive, site.reads)
    except TimeoutError:
        slow = TooSlow(f"the body did not arrive within {BODY:g} s", headers=(("connection", "close"),))
        await send_response(response_of(slow), send, receive)
        return
    if request is None:
        return
    response = await _handled(site, request, receive)
    if response is not None:
        await send_response(response, send, receive, head=request.method == "HEAD")


async def _handled(site: Site, request: Request, receive: Receive) -> Response | None:
    """None where whoever asked has gone: looks are given up, and the desk carries changes through."""
    handling = asyncio.ensure_future(site.handle(request))
    leaving = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait((handling, leaving), return_when=asyncio.FIRST_COMPLETED)
        return handling.result() if handling.done() else None
    finally:
        await _cancelled(handling, leaving)


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(scope: Scope, receive: Receive, most: Callable[[Request], int]) -> Request | None:
    """None where whoever asked has gone. `most` says how much may be read of its body, once the rest is known.

    Of a body that is too large just enough is read to see that. Raises TimeoutError.
    """
    request = head_of(scope)
    body, room = bytearray(), most(request)
    async with asyncio.timeout(BODY):
        while room and len(body) <= room:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
    return replace(request, body=bytes(body))


def head_of(scope: Scope) -> Request:
    """Without a body."""
    prefix = str(scope.get("root_path", "")).rstrip("/")
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=path_of(scope, prefix),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        address=client[0] if client else None,
        scheme=scope.get("scheme", "http"),
        prefix=prefix,
        version=scope.get("http_version", "1.1"),
    )


def path_of(scope: Scope, prefix: str) -> str:
    """Percent-encoded, below the prefix."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if raw else str(scope["path"]).replace("%", "%25")
    return path[len(prefix) :] if prefix and path.startswith(prefix) else path


async def send_response(response: Response, send: Send, receive: Receive, *, head: bool = False) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if isinstance(response.body, bytes):
        if response.status not in (204, 304):
            headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else response.body})
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await _send_stream(response.body, response.live, send, receive, head=head)


async def _send_stream(chunks: AsyncIterator[bytes], live: bool, send: Send, receive: Receive, *, head: bool) -> None:
    """Until it ends or nobody reads it; then what made the chunks is closed."""
    sending = asyncio.ensure_future(_copy(chunks, live, send, head=head))
    leaving = asyncio.ensure_future(gone(receive))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancelled(sending, leaving)
        if (close := getattr(chunks, "aclose", None)) is not None:
            await close()
    if not sending.cancelled() and (error := sending.exception()) is not None:
        if not isinstance(error, TimeoutError):
            raise error
        log.info("a reader that took nothing for %g s was dropped", PATIENCE if live else PATIENCE_FOR_BYTES)


async def _copy(chunks: AsyncIterator[bytes], live: bool, send: Send, *, head: bool) -> None:
    if not head:
        async for chunk in chunks:
            async with asyncio.timeout(PATIENCE if live else PATIENCE_FOR_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def gone(receive: Receive) -> None:
    """Returns when whoever asked has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


class AsgiSite:
    """Opens what it needs at the first request or at its start, whichever comes, and closes it at the end."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def stop(self) -> None:
        """End all streams, and soon what is under way."""
        if self._opening.site is not None:
            self._opening.site.stop()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        site, agents = await self._opening.open(), self._opening.agents
        if agents is not None and path_of(scope, str(scope.get("root_path", "")).rstrip("/")) == FOR_AGENTS:
            await agents(scope, receive, send)
        else:
            await answer(site, scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._opening.open()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        with suppress(Exception):
            await self._opening.close()
        await send({"type": "lifespan.shutdown.complete"})
