"""The server of the page itself, as its answers tell it: whether it is well, who asks, and what it can be asked."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from msgspec import Meta

from .units import ScopeWord


class Health(TypedDict):
    healthy: Annotated[bool, Meta(description="always true: whoever can answer lives")]
    version: str


class CheckFacts(TypedDict):
    name: Annotated[str, Meta(description="store or workers")]
    ok: bool
    required: Annotated[bool, Meta(description="without it nothing is ready")]
    detail: Annotated[str, Meta(description="what was found")]


class Readiness(TypedDict):
    ready: bool
    checks: list[CheckFacts]


class Caller(TypedDict):
    name: Annotated[str, Meta(description="that of the token; local without one")]
    scope: ScopeWord
    read_only: Annotated[bool, Meta(description="this server changes nothing, whoever asks")]
    via: Annotated[str, Meta(description="the face: web or api")]


class LoggedOut(TypedDict):
    logged_out: bool


class ApiDescription(TypedDict):
    openapi: Annotated[str, Meta(description="the version of OpenAPI")]
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]
    security: list[dict[str, Any]]
