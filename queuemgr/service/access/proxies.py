"""Tells requests that a proxy passes on from those of this machine's own people. It trusts no proxy.

A proxy that adds nothing and hides what it was asked for looks like a program of this machine: `always_token` is there
for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .hosts import is_loopback, is_same, read_host

if TYPE_CHECKING:
    from queuemgr.service.web.request import Request

_ADDED = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})
_FORWARDED = "x-forwarded-"
_OLD = "1.0"
"""The HTTP in which a proxy may ask that was told nothing else; browsers and programs of today do not speak it."""


def is_passed_on(request: Request) -> bool:
    """Whether it shows in what was added, in what it asks for, or in what a browser says that it asked for."""
    host = read_host(request.header("host"))
    return (
        any(name in _ADDED or name.startswith(_FORWARDED) for name in request.headers)
        or request.version == _OLD
        or host is None
        or not is_loopback(host.name)
        or not all(is_same(origin, request.header("host")) for origin in _own_origins(request))
    )


def _own_origins(request: Request) -> list[str]:
    """Of the page that asks, where a browser says that it is ours: that is the name by which the browser knows us."""
    ours = request.header("sec-fetch-site").lower() == "same-origin"
    page = "/".join(request.header("referer").split("/", 3)[:3]) if ours else ""
    return [origin for origin in (request.header("origin"), page) if origin not in ("", "null")]
