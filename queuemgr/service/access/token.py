"""One token as it is kept: a name, a scope and a hash. Its secret is not in it."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec

from queuemgr.service.operations.operation import Scope

Word = Literal["read", "operate", "administer"]
"""A scope as it is written."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` stands for the secret. Times are seconds since the epoch; `limit` is requests in a minute, None any."""

    name: str
    scope: Word
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    created_at: float
    expires_at: float | None = None
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None

    @property
    def allows(self) -> Scope:
        return Scope[self.scope.upper()]

    def expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def digest_of(secret: str) -> str:
    """A plain hash: the secret is random and too long to be guessed, which salt and slowness would be against."""
    return hashlib.sha256(secret.encode()).hexdigest()
