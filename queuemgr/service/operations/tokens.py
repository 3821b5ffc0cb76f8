"""Makes, lists and removes the tokens with which others than this machine come in. It admits nobody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.service.access.token import Token
    from queuemgr.service.access.tokens import Tokens
    from queuemgr.service.told import Removed, TokenAdded, TokenFacts, TokenList


async def list_tokens(tokens: Tokens) -> TokenList:
    """Without their secrets, which nobody knows any more. Raises ConfigError."""
    now = time.time()
    return {"at": now, "file": str(tokens.path), "tokens": [_facts(token, now) for token in tokens.all()]}


async def add_token(
    tokens: Tokens, name: str, scope: str = "read", lifetime: float | None = None, limit: int | None = None
) -> TokenAdded:
    """This is the only time that the secret is told.

    `scope` is read, operate or administer; `lifetime` seconds, None for ever; `limit` requests in a minute, None any.
    Raises ValidationError, NotAllowed where the name is taken, ConfigError.
    """
    token, secret = tokens.add(name, scope, lifetime=lifetime, limit=limit)
    return {"added": token.name, "token": _facts(token, time.time()), "secret": secret}


async def remove_token(tokens: Tokens, name: str) -> Removed:
    """Whoever came in by it is out at once. Raises NotFound, ConfigError."""
    return {"removed": tokens.remove(name).name}


def _facts(token: Token, now: float) -> TokenFacts:
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
