"""A request and its response as values, the same for every server and framework. Nothing here reads or sends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import msgspec

from queuemgr.secret import DOTS, Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    Body = bytes | AsyncIterator[bytes]

JSON = "application/json"
_REFUSED = re.compile(r"q=0(\.0*)?")
LARGEST = 8 * 1024 * 1024
"""Bytes that the body of a request may have."""


@dataclass(frozen=True)
class Request:
    """`path` is percent-encoded and begins below `prefix`, where the page is mounted; header names are lower-case.

    `query` is what follows the question mark. `address` is that of the network, None where it is not known; `scheme`
    is "http" or "https", and `version` that of HTTP.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str | None = None
    scheme: str = "http"
    prefix: str = ""
    version: str = "1.1"

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The decoded parts of the path; a slash within a part stays within it."""
        return tuple(unquote(part) for part in self.path.strip("/").split("/")) if self.path.strip("/") else ()

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """Those of the query, each with all its values."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    @cached_property
    def cookies(self) -> dict[str, str]:
        pairs = (part.partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

    def header(self, name: str) -> str:
        """Empty where it was not sent."""
        return self.headers.get(name, "")

    def takes(self, encoding: str) -> bool:
        """Whether the answer may be compressed like that: whoever names it with `q=0` cannot read it."""
        for part in self.header("accept-encoding").lower().split(","):
            name, _, weight = part.partition(";")
            if name.strip() == encoding:
                return _REFUSED.fullmatch(weight.replace(" ", "")) is None
        return False

    def parameter(self, name: str) -> str | None:
        """The last value of that name in the query, None where there is none."""
        values = self.parameters.get(name)
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class Response:
    """`body` is bytes, or an iterator that makes them while they are sent and is closed in any case.

    `live` says that the response has no end of its own and is given up where its reader does not read.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = b""
    live: bool = False

    def header(self, name: str) -> str:
        """Empty where it is not there."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def adding(self, *headers: tuple[str, str]) -> Response:
        """With these headers where it has none of that name."""
        own = {name.lower() for name, _ in self.headers}
        more = tuple(pair for pair in headers if pair[0].lower() not in own)
        return Response(self.status, self.headers + more, self.body, self.live)


def as_json(value: Any, status: int = 200, kind: str = JSON, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status, (("content-type", kind), *headers), encode(value))


def _shown(value: Any) -> str:
    return DOTS if isinstance(value, Secret) else str(value)


encode = msgspec.json.Encoder(enc_hook=_shown).encode
"""JSON of facts; what is no plain data in them is told as text, and of a secret nothing."""
