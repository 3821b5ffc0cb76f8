"""Tells requests that a foreign web page had a browser send from those that somebody meant. It knows no users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.service.failures import Forbidden

from .hosts import is_same

if TYPE_CHECKING:
    from queuemgr.service.web.request import Request

LOOKS = frozenset({"GET", "HEAD", "OPTIONS"})
OURS = frozenset({"same-origin", "none"})
MARK = "x-queuemgr"
"""A header that no foreign page can send unless it is allowed to, which it never is."""

_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})


def require_own_page(request: Request) -> None:
    """Raises Forbidden for what a page of another origin sent.

    Every browser of today says where a request comes from; what does not say it is no browser, and sends nothing that
    its user did not mean.
    """
    site = request.header("sec-fetch-site").lower()
    if request.method in LOOKS:
        if site and site not in OURS and request.header("sec-fetch-mode").lower() != "navigate":
            raise _foreign(site)
        return
    if site:
        if site not in OURS:
            raise _foreign(site)
        return
    if origin := request.header("origin"):
        if not is_same(origin, request.header("host")):
            raise _foreign("another origin")
        return
    _require_no_form(request)


def _require_no_form(request: Request) -> None:
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if kind in _FORMS and not request.header(MARK):
        raise Forbidden(
            f"a change that is sent as {kind} could come from any web page", "send JSON, or the header X-Queuemgr: 1"
        )


def _foreign(whence: str) -> Forbidden:
    return Forbidden(f"a web page of another site sent this ({whence[:20]})", "do it on the page of queuemgr itself")
