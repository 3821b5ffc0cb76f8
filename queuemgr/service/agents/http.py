"""Serves agents over HTTP at /mcp, behind the gate that the page has. Who may come in is decided there."""

from __future__ import annotations

import asyncio
import inspect
from asyncio import FIRST_COMPLETED
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from queuemgr.errors import QueuemgrError
from queuemgr.service.access.headers import joined
from queuemgr.service.web.asgi import FOR_AGENTS
from queuemgr.service.web.problems import response_of
from queuemgr.service.web.request import Request

from .serving import make_server, require_sdk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
    from contextlib import AbstractAsyncContextManager

    from queuemgr.service.access.gate import Gate
    from queuemgr.service.desk import Visitor
    from queuemgr.service.operations.operation import Scope

    from .answering import Answering

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

PATH = FOR_AGENTS
LARGEST = 1024 * 1024
"""Bytes that a request may have."""
_VISITOR = "queuemgr.visitor"


def make_asgi(answering: Answering, gate: Gate, most: Scope) -> Agents:
    """An ASGI application in which nobody gets a larger scope than `most`. Raises ConfigError without the SDK."""
    require_sdk()
    from mcp.server.transport_security import TransportSecuritySettings

    def visitor_of(context: Any) -> Visitor:
        visitor: Visitor = context.request.scope[_VISITOR]
        return visitor

    server = make_server(answering, visitor_of)
    # Nothing is kept between two requests, so that each is admitted anew and a restart is not noticed.
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=LARGEST,
        # The gate has looked at the host and at where the request comes from.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return Agents(app, gate, most)


@asynccontextmanager
async def running(agents: Agents) -> AsyncIterator[Agents]:
    """For a server whose own start and end do not reach it: in a task of its own, whoever opens and closes it."""
    ready, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with agents.living():
            ready.set()
            await over.wait()

    task = asyncio.create_task(live(), name="queuemgr agents")
    try:
        await asyncio.wait({task, waiting := asyncio.ensure_future(ready.wait())}, return_when=FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            await task
        yield agents
    finally:
        over.set()
        await task


class Agents:
    def __init__(self, app: Any, gate: Gate, most: Scope) -> None:
        self._app = app
        self._gate = gate
        self._most = most

    def living(self) -> AbstractAsyncContextManager[Any]:
        """What has to go on while requests are answered."""
        context: AbstractAsyncContextManager[Any] = self._app.router.lifespan_context(self._app)
        return context

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                scope[_VISITOR] = await self._admitted(scope)
            except QueuemgrError as error:
                await _refuse(error, send)
                return
        await self._app(scope, receive, send)

    async def _admitted(self, scope: Message) -> Visitor:
        visitor = self._gate.admit(_request_of(scope))
        known = await visitor if inspect.isawaitable(visitor) else visitor
        return replace(known, scope=min(known.scope, self._most), via="mcp")


def _request_of(scope: Message) -> Request:
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        address=client[0] if client else None,
        scheme=scope.get("scheme", "http"),
        version=scope.get("http_version", "1.1"),
    )


async def _refuse(error: QueuemgrError, send: Send) -> None:
    response = response_of(error)
    body = response.body
    assert isinstance(body, bytes)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
