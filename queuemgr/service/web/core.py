"""Answers requests, whichever server or framework they came through. It knows none of them."""

from __future__ import annotations

import gzip
import logging
from typing import TYPE_CHECKING, Any

from queuemgr.errors import QueuemgrError
from queuemgr.service.failures import NotFound

from .answers import LOGIN, Answers
from .arguments import from_body, from_query
from .asgi import FOR_AGENTS
from .changes import LASTING, Changes
from .idempotency import HEADER, once, replayed
from .live import Hub
from .older import Older
from .problems import TooLarge, response_of
from .request import LARGEST, Response, as_json
from .routes import Routes
from .static import Files

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from queuemgr.client import AsyncClient
    from queuemgr.service.access.gate import Gate
    from queuemgr.service.desk import Desk, Visitor
    from queuemgr.service.facts import Facts
    from queuemgr.service.operations.operation import Operation

    from .request import Request
    from .routes import Route

    Work = Callable[..., Awaitable[Facts]]

log = logging.getLogger(__name__)

SECURITY = (
    ("x-content-type-options", "nosniff"),
    # The page's own addresses go to itself alone: by them it is seen whether it is asked through a proxy.
    ("referrer-policy", "same-origin"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
)
KEPT_FOR_FILES = ("x-content-type-options", "referrer-policy", "cross-origin-resource-policy")
FOR_FILES = tuple(pair for pair in SECURITY if pair[0] in KEPT_FOR_FILES)
"""The others say something of documents alone, and would be a fifth of what the page weighs."""

FRESH = ("cache-control", "no-store")
WORTH = 1400
"""Bytes that fit into one packet anyway."""

OURS = frozenset({"api", "healthz", "readyz", "metrics"})


class Site:
    """The page and the API over one desk."""

    def __init__(self, desk: Desk, gate: Gate, files: Files | None = None) -> None:
        self.desk = desk
        self.gate = gate
        self.hub = Hub()
        self.changes = Changes(desk)
        self.routes = Routes()
        self.answers = Answers(self)
        self._older = Older(desk)
        self._files = files or Files()

    async def handle(self, request: Request) -> Response:
        """Always a response: errors are problem documents."""
        try:
            if (file := self._file(request)) is not None:
                return file
            response = await self._answer(request)
        except QueuemgrError as error:
            response = response_of(error)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.path)
            response = response_of(error)
        return squeezed(response, request).adding(*SECURITY, FRESH)

    def reads(self, request: Request) -> int:
        """Bytes that may be read of the body of a request of which the rest is known: nothing from strangers."""
        if is_page(request.method, request.segments):
            return 1
        if request.segments[-1:] == ("login",):
            return LOGIN
        return LARGEST if self.gate.holds(request) else 0

    def stop(self) -> None:
        """Every stream ends at once, and what is under way soon."""
        self.hub.close()
        self.desk.underway.stop()

    async def _answer(self, request: Request) -> Response:
        if len(request.body) > LARGEST:
            raise TooLarge(f"the body has more than {LARGEST:,} bytes", "send less, or a reference to it")
        if request.path == FOR_AGENTS:
            raise NotFound("agents are not answered here", "queuemgr web --mcp, or create_web_app(mcp='read')")
        route, parameters = self.routes.find(request.method, request.segments)
        if (public := self.answers.public.get(route.name)) is not None:
            return await public(request)
        visitor = self.gate.admit(request)
        if route.older:
            return await self._older.answer(route.name, request, parameters, visitor)
        if route.operation is None:
            return await self.answers.special[route.name](request, parameters, visitor)
        return await self._asked(route, request, parameters, visitor)

    def _file(self, request: Request) -> Response | None:
        """Raises Forbidden, Unauthorized."""
        if not is_page(request.method, request.segments):
            return None
        self.gate.screen(request)
        file = self._files.answer(request)
        if file is None:
            return None
        return file.adding(*(SECURITY if file.header("content-security-policy") else FOR_FILES))

    async def _asked(self, route: Route, request: Request, parameters: dict[str, str], visitor: Visitor) -> Response:
        assert route.operation is not None
        looks = route.method == "GET"
        arguments: dict[str, Any] = {} if looks else from_body(route.operation, request)
        if looks or route.method == "DELETE":
            arguments = from_query(route.operation, request.parameters) | arguments
        arguments |= parameters

        async def work(client: AsyncClient | None = None) -> Facts:
            return await self.desk.ask(route.name, arguments, visitor, client)

        if looks:
            return as_json(await work())
        try:
            return await self._changed(route.operation, request, visitor, arguments, work)
        finally:
            self.hub.wake()

    async def _changed(
        self, operation: Operation, request: Request, visitor: Visitor, arguments: dict[str, Any], work: Work
    ) -> Response:
        key = request.header(HEADER)
        if not key or operation.name not in (*LASTING, "jobs.enqueue"):
            return as_json(await work())
        await self.desk.admit(operation, visitor)
        if operation.name in LASTING:
            return await self.changes.once(operation.name, arguments, visitor, key)
        answer, again = await once(self.desk.client, visitor.name, key, request.body, work)
        return as_json(answer, headers=replayed(again=again))


def squeezed(response: Response, request: Request) -> Response:
    """As gzip where that is understood and worth it; streams and files see to that themselves."""
    body, headers = response.body, response.headers
    fit = isinstance(body, bytes) and WORTH <= len(body) <= LARGEST
    if not fit or response.header("content-encoding") or not request.takes("gzip"):
        return response
    if not any(part in response.header("content-type") for part in ("json", "text/plain")):
        return response
    assert isinstance(body, bytes)
    more = (("content-encoding", "gzip"), ("vary", "accept-encoding"))
    return Response(response.status, (*headers, *more), gzip.compress(body, 1, mtime=0))


def is_page(method: str, segments: tuple[str, ...]) -> bool:
    """Whether it asks for the page or one of its files."""
    return method in ("GET", "HEAD") and not (segments and segments[0] in OURS)
