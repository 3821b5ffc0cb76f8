"""The page and the API for a Django project: `path("queuemgr/", include("queuemgr.service.web.django"))`.

`QUEUEMGR = {"store": "sqlite:///jobs.db"}` in the settings says the rest. It uses no models and no middleware.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings  # type: ignore[import-untyped]
from django.http import HttpResponse, StreamingHttpResponse  # type: ignore[import-untyped]
from django.urls import re_path  # type: ignore[import-untyped]
from django.views.decorators.csrf import csrf_exempt  # type: ignore[import-untyped]

from queuemgr.service.access.headers import joined

from . import config_from
from .bridge import AsyncChunks, Bridge, Chunks
from .request import Request, Response


@cache
def bridge() -> Bridge:
    """The one of this process."""
    return Bridge(config_from(**getattr(settings, "QUEUEMGR", {})))


# Django's own token is for its forms; the gate refuses what comes from other sites.
@csrf_exempt  # type: ignore[untyped-decorator]
def page(request: Any, path: str) -> Any:
    return _answered(bridge().answer(_request_of(request, path)), hasattr(request, "scope"))


def _answered(response: Response, asynchronous: bool) -> Any:
    if isinstance(response.body, bytes):
        answer: Any = HttpResponse(response.body, status=response.status)
    else:
        kind = AsyncChunks if asynchronous else Chunks
        answer = StreamingHttpResponse(kind(bridge(), response.body), status=response.status)
    del answer["content-type"]
    for name, value in response.headers:
        answer[name] = value
    return answer


def _request_of(request: Any, path: str) -> Request:
    """`path` is what follows the place at which the page is included."""
    whole = request.path
    return Request(
        method=request.method,
        path="/" + _quoted(path),
        query=request.META.get("QUERY_STRING", ""),
        headers=joined(request.headers.items()),
        body=request.body,
        address=request.META.get("REMOTE_ADDR"),
        scheme=request.scheme,
        version=_version_of(request),
        prefix=whole[: len(whole) - len(path)].rstrip("/") if path else whole.rstrip("/"),
    )


def _version_of(request: Any) -> str:
    scope = getattr(request, "scope", None)
    told = request.META.get("SERVER_PROTOCOL", "") if scope is None else scope.get("http_version", "")
    return str(told).removeprefix("HTTP/")


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path)


urlpatterns = [re_path(r"^(?P<path>.*)$", page)]
