"""Which paths there are: those of the table of operations, and the few that are no operations. It answers none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from queuemgr.service.failures import NotFound
from queuemgr.service.operations.table import OPERATIONS

from .problems import MethodNotAllowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuemgr.service.operations.operation import Operation

BASE = "/api/v1"
_BRACES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Route:
    """`path` has its parameters in braces. Without an operation, `name` says who answers.

    An `older` one is kept for programs that were written for an earlier version.
    """

    method: str
    path: str
    name: str
    description: str
    operation: Operation | None = None
    older: bool = False

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.strip("/").split("/"))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters in its path."""
        return tuple(_BRACES.findall(self.path))

    def fit(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The parameters, None where it is another path."""
        if len(segments) != len(self.parts):
            return None
        found = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part.startswith("{") and segment:
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found


SPECIAL = (
    Route("GET", f"{BASE}/events", "events", "follow operations that only look, as server-sent events"),
    Route("GET", f"{BASE}/jobs/{{job_id}}/result/content", "content", "a job's result as a stream of bytes"),
    Route("GET", f"{BASE}/changes/{{key}}", "change", "how a change of many jobs stands that was asked for with a key"),
    Route("GET", f"{BASE}/openapi.json", "openapi", "this description"),
    Route("GET", f"{BASE}/me", "me", "who asks, and what they may do"),
    Route("POST", f"{BASE}/login", "login", "a cookie for a token"),
    Route("POST", f"{BASE}/logout", "logout", "take the cookie away"),
    Route("GET", "/metrics", "prometheus", "measures in the text form of Prometheus"),
    Route("GET", "/healthz", "health", "whether the server answers"),
    Route("GET", "/readyz", "ready", "whether the store answers, too"),
)
OLDER = (
    Route("GET", "/api/status", "older.status", "the service, in short", older=True),
    Route("GET", "/api/jobs", "older.list", "all jobs of the service; with status= as an object", older=True),
    Route("POST", "/api/jobs", "older.add", "add a job of a job class", older=True),
    Route("GET", "/api/jobs/{job_id}", "older.show", "one job of the service", older=True),
    Route("DELETE", "/api/jobs/{job_id}", "older.delete", "delete a job", older=True),
    Route("POST", "/api/jobs/{job_id}/delete", "older.delete", "delete a job", older=True),
    Route("POST", "/api/jobs/{job_id}/start", "older.start", "start a job", older=True),
    Route("POST", "/api/jobs/{job_id}/stop", "older.stop", "stop a job", older=True),
    Route("POST", "/api/start", "older.start_service", "whether the service runs", older=True),
    Route("POST", "/api/stop", "older.stop_service", "stop the service", older=True),
)


def from_table(operations: Iterable[Operation]) -> list[Route]:
    return [_of(operation) for operation in operations]


class Routes:
    """Finds the route of a request."""

    def __init__(self, further: Iterable[Route] = ()) -> None:
        every = [*SPECIAL, *OLDER, *further, *from_table(OPERATIONS.values())]
        # Written-out words go before parameters: /queues/pause is no queue of that name.
        self.all = sorted(every, key=lambda route: [part.startswith("{") for part in route.parts])

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route, dict[str, str]]:
        """The route and the parameters of its path. Raises NotFound, MethodNotAllowed."""
        fitting = [(route, found) for route in self.all if (found := route.fit(segments)) is not None]
        if not fitting:
            raise NotFound(f"there is nothing at /{'/'.join(segments)}", f"all paths are in {BASE}/openapi.json")
        for route, found in fitting:
            if route.method == ("GET" if method == "HEAD" else method):
                return route, found
        allowed = allowed_methods(route.method for route, _ in fitting)
        told = f"/{'/'.join(segments)} does not take {method}, only {allowed}"
        raise MethodNotAllowed(told, headers=(("allow", allowed),))


def allowed_methods(methods: Iterable[str]) -> str:
    found = set(methods)
    return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))


def _of(operation: Operation) -> Route:
    method, _, path = operation.route.partition(" ")
    return Route(method, BASE + path, operation.name, operation.description, operation)
