"""Asks an ASGI application with a request as a value, for servers that know no ASGI. It streams nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .problems import MethodNotAllowed, response_of
from .request import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from .request import Request

    Message = MutableMapping[str, Any]
    Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]


async def answer_whole(application: Application, request: Request) -> Response:
    """Only POST is handed on: what else an application might open has no end of its own."""
    if request.method != "POST":
        told = f"{request.method} {request.path} opens a stream, which this kind of server cannot keep open"
        return response_of(MethodNotAllowed(told, "send what you ask by POST", headers=(("allow", "POST"),)))
    status = 500
    headers: tuple[tuple[str, str], ...] = ()
    parts: list[bytes] = []
    unread, over = [request.body], asyncio.Event()

    async def receive() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            return
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            over.set()

    await application(_scope_of(request), receive, send)
    own = tuple(pair for pair in headers if pair[0].lower() != "content-length")
    return Response(status, own, b"".join(parts))


def _scope_of(request: Request) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": request.version,
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
        "client": None if request.address is None else (request.address, 0),
        "server": None,
    }
