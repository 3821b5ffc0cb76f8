"""Makes, lists and removes the tokens with which others than this machine come in. It admits nobody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from queuemgr.service.facts import Facts

from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.service.access.token import Token
    from queuemgr.service.access.tokens import Tokens


async def list_tokens(tokens: Tokens) -> Facts:
    """{"at", "file", "tokens"}: without their secrets, which nobody knows any more. Raises ConfigError."""
    now = time.time()
    return {"at": now, "file": str(tokens.path), "tokens": [_facts(token, now) for token in tokens.all()]}


async def add_token(
    tokens: Tokens, name: str, scope: str = "read", lifetime: float | None = None, limit: int | None = None
) -> Facts:
    """{"added", "token", "secret"}: the only time that the secret is told.

    `scope` is read, operate or administer; `lifetime` seconds, None for ever; `limit` requests in a minute, None any.
    Raises ValidationError, NotAllowed where the name is taken, ConfigError.
    """
    token, secret = tokens.add(name, scope, lifetime=lifetime, limit=limit)
    return {"added": token.name, "token": _facts(token, time.time()), "secret": secret}


async def remove_token(tokens: Tokens, name: str) -> Facts:
    """{"removed"}: the name. Whoever came in by it is out at once. Raises NotFound, ConfigError."""
    return {"removed": tokens.remove(name).name}


def _facts(token: Token, now: float) -> dict[str, Any]:
    return {
        "name": token.name,
        "scope": token.scope,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "expired": token.expired(now),
        "limit": token.limit,
    }


OPERATIONS = (
    Operation("tokens.list", list_tokens, Scope.ADMINISTER, "GET /tokens", "token list", "tokens and what each allows"),
    Operation(
        "tokens.add",
        add_token,
        Scope.ADMINISTER,
        "POST /tokens",
        "token add",
        "make a token, whose secret is told this once",
    ),
    Operation(
        "tokens.remove",
        remove_token,
        Scope.ADMINISTER,
        "DELETE /tokens/{name}",
        "token remove",
        "remove a token; whoever came in by it is out at once",
    ),
)
