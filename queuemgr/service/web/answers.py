"""Answers the routes that are no operations: events, results as bytes, the description, logins and health."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

import msgspec

from queuemgr.errors import ValidationError
from queuemgr.service.failures import Misused
from queuemgr.service.observe.health import healthy, ready
from queuemgr.service.operations.table import find

from .arguments import from_query, object_in
from .guarding import guarded
from .openapi import describe
from .problems import TooLarge
from .request import Response, as_json
from .results import Contents
from .routes import BASE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from queuemgr.service.desk import Visitor
    from queuemgr.service.told import Caller, LoggedOut
    from queuemgr.service.told.units import ScopeWord

    from .core import Site
    from .live import Fetch
    from .request import Request

    Public = Callable[[Request], Awaitable[Response]]
    Special = Callable[[Request, dict[str, str], Visitor], Awaitable[Response]]

EVENTS = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
)
MOST_TOPICS = 16
LOGIN = 16 * 1024
"""Bytes that are read of whoever is not known yet."""


class Answers:
    """`public` are for everybody, `special` for those whom the gate let in; both by the names of their routes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._contents = Contents()
        self.public: dict[str, Public] = {
            "health": self._health,
            "ready": self._ready,
            "login": self._login,
            "logout": self._logout,
        }
        self.special: dict[str, Special] = {
            "events": self._events,
            "content": self._content,
            "change": self._change,
            "openapi": self._openapi,
            "me": self._me,
            "prometheus": self._metrics,
        }

    async def _health(self, _request: Request) -> Response:
        return as_json(healthy())

    async def _ready(self, _request: Request) -> Response:
        told = await ready(self._site.desk.client)
        return as_json(told, 200 if told["ready"] else 503)

    async def _metrics(self, _request: Request, _parameters: dict[str, str], _visitor: Visitor) -> Response:
        """Raises StoreError."""
        from queuemgr.service.observe.prometheus import CONTENT_TYPE, prometheus_text

        return Response(200, (("content-type", CONTENT_TYPE),), await prometheus_text(self._site.desk.client))

    async def _login(self, request: Request) -> Response:
        """Raises Unauthorized, Forbidden, TooManyAttempts."""
        if len(request.body) > LOGIN:
            raise TooLarge(f"a login has at most {LOGIN:,} bytes")
        token = object_in(request).get("token")
        if not isinstance(token, str) or not token.strip():
            raise ValidationError("token", None, 'it is missing: send {"token": "..."}')
        login = self._site.gate.login(request, token.strip())
        return as_json(self._told(login.visitor), headers=login.headers)

    async def _logout(self, request: Request) -> Response:
        told: LoggedOut = {"logged_out": True}
        return as_json(told, headers=self._site.gate.logout(request))

    async def _me(self, _request: Request, _parameters: dict[str, str], visitor: Visitor) -> Response:
        return as_json(self._told(visitor))

    def _told(self, visitor: Visitor) -> Caller:
        scope = cast("ScopeWord", visitor.scope.name.lower())
        read_only = self._site.desk.read_only
        return {"name": visitor.name, "scope": scope, "read_only": read_only, "via": visitor.via}

    async def _change(self, _request: Request, parameters: dict[str, str], visitor: Visitor) -> Response:
        return as_json(await self._site.changes.show(visitor, parameters["key"]))

    async def _openapi(self, request: Request, _parameters: dict[str, str], _visitor: Visitor) -> Response:
        data = msgspec.json.encode(describe(self._site.routes.all, request.prefix))
        return Response(200, (("content-type", "application/json"), ("cache-control", "no-cache")), data)

    async def _content(self, request: Request, parameters: dict[str, str], visitor: Visitor) -> Response:
        await self._site.desk.admit(find("jobs.show"), visitor)
        response = await self._contents.response(self._site.desk.client, parameters["job_id"], request)
        return guarded(response, partial(self._site.gate.holds, request))

    async def _events(self, request: Request, _parameters: dict[str, str], visitor: Visitor) -> Response:
        wanted = dict.fromkeys(request.parameters.get("topic", []))
        if not wanted or len(wanted) > MOST_TOPICS:
            raise Misused(f"name 1 to {MOST_TOPICS} topics", f"{BASE}/events?topic=overview")
        topics = {topic: await self._fetch(topic, visitor) for topic in wanted}
        last = request.header("last-event-id") or request.parameter("last") or ""
        response = Response(200, EVENTS, self._site.hub.follow(topics, last), live=True)
        return guarded(response, partial(self._site.gate.holds, request))

    async def _fetch(self, topic: str, visitor: Visitor) -> Fetch:
        """Raises NotFound, Misused, Forbidden."""
        name, _, query = topic.partition("?")
        operation = find(name)
        if operation.changes:
            raise Misused(f"{name} changes something: only what looks can be followed")
        if not topic.isprintable():
            raise Misused(f"the topic {topic!r} has characters that no topic has", "encode it as an address is encoded")
        desk = self._site.desk
        await desk.admit(operation, visitor)
        arguments = from_query(operation, parse_qs(query, keep_blank_values=True))
        operation.converted(arguments)

        async def fetch() -> dict[str, Any]:
            return await desk.ask(name, arguments, visitor)

        return fetch
