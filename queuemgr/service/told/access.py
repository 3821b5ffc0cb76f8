"""Tokens and the list of changes, as answers tell them."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from msgspec import Meta

from .units import Moment, ScopeWord


class TokenFacts(TypedDict):
    name: str
    scope: ScopeWord
    created_at: Moment
    expires_at: Moment | None
    expired: bool
    limit: Annotated[int | None, Meta(description="requests in a minute")]


class TokenList(TypedDict):
    at: Moment
    file: str
    tokens: list[TokenFacts]


class TokenAdded(TypedDict):
    added: Annotated[str, Meta(description="its name")]
    token: TokenFacts
    secret: Annotated[str, Meta(description="told this once only")]


class AuditEntry(TypedDict):
    number: int
    at: Moment
    who: str
    via: Annotated[str, Meta(description="the face: cli, web, api or mcp")]
    address: Annotated[str | None, Meta(description="of the network")]
    operation: str
    arguments: Annotated[dict[str, Any], Meta(description="abridged, without those of jobs")]
    outcome: Annotated[dict[str, Any], Meta(description="ok, and a few facts; or error and message")]


class AuditPage(TypedDict):
    at: Moment
    entries: Annotated[list[AuditEntry], Meta(description="newest first")]
    after: Annotated[int | None, Meta(description="asks for the next page; null at the end")]
