"""Tokens: made here and shown once, kept as hashes in a file that only its owner may read. They admit nobody."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from typing import TYPE_CHECKING, cast

from queuemgr.errors import ValidationError, did_you_mean
from queuemgr.service.failures import NotAllowed, NotFound
from queuemgr.service.operations.operation import Scope

from .token import Token, digest_of
from .tokenfile import TokenFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from .token import Word

PREFIX = "qmgr_"
"""By which a token is told from other texts, by people and by what looks for leaked ones."""

LONGEST = 200
"""Characters beyond which a text is no token and is not even hashed."""

MOST = 1000
"""Tokens in a file."""

_BITS = 256
_NAME = re.compile(r"[\w][\w.@+-]{0,63}")


class Tokens:
    """All that are in the file at `path`, which is looked at anew whenever it has changed.

    Everything here raises ConfigError where the file cannot be used or others may read it.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._file = TokenFile(path)
        self._now = now

    @property
    def path(self) -> Path:
        return self._file.path

    def all(self) -> list[Token]:
        """By name; those that have expired, too."""
        return sorted(self._file.read(), key=lambda token: token.name)

    def any(self) -> bool:
        """Whether there is a token with which somebody could come in now."""
        now = self._now()
        return any(not token.expired(now) for token in self._file.read())

    def add(
        self, name: str, scope: str, *, lifetime: float | None = None, limit: int | None = None
    ) -> tuple[Token, str]:
        """The token and its secret, which is known nowhere else. `lifetime` is seconds, None for ever.

        Raises ValidationError, NotAllowed where the name is taken.
        """
        secret = PREFIX + secrets.token_urlsafe(_BITS // 8)
        now = self._now()
        token = Token(
            name=_checked_name(name),
            scope=_checked_scope(scope),
            digest=digest_of(secret),
            created_at=now,
            expires_at=None if lifetime is None else now + _positive("expires", lifetime),
            limit=None if limit is None else int(_positive("limit", limit)),
        )
        self._file.change(lambda known: [*_without_expired(known, name, now), token])
        return token, secret

    def remove(self, name: str) -> Token:
        """Raises NotFound."""
        removed: list[Token] = []

        def without(known: list[Token]) -> list[Token]:
            removed[:] = [token for token in known if token.name == name]
            if not removed:
                names = [token.name for token in known]
                raise NotFound(f"there is no token {name!r}: {did_you_mean(name, names)}", "queuemgr token list")
            return [token for token in known if token.name != name]

        self._file.change(without)
        return removed[0]

    def find(self, secret: str) -> Token | None:
        """The token of this secret, None where there is none or it has expired."""
        if not secret.isascii() or len(secret) > LONGEST:
            return None
        return self.of_digest(digest_of(secret))

    def of_digest(self, digest: str) -> Token | None:
        """As `find`."""
        found = None
        # All of them are compared, so that the time it takes says nothing about where a comparison ended.
        for token in self._file.read():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return None if found is None or found.expired(self._now()) else found


def _without_expired(known: Iterable[Token], name: str, now: float) -> list[Token]:
    """Those that stay beside a new one of that name. Raises NotAllowed."""
    kept = [token for token in known if token.name != name or not token.expired(now)]
    if any(token.name == name for token in kept):
        raise NotAllowed(f"there is a token {name!r} already", f"choose another name, or: queuemgr token remove {name}")
    if len(kept) >= MOST:
        raise NotAllowed(f"there are {MOST} tokens already", "remove those that nobody needs: queuemgr token list")
    return kept


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        reason = "1 to 64 letters, digits and . _ @ + - name a token, and a letter or digit comes first"
        raise ValidationError("name", None, f"{name!r:.80} is no name for a token: {reason}")
    return name


def _checked_scope(scope: str) -> Word:
    words = [one.name.lower() for one in Scope]
    if scope not in words:
        raise ValidationError("scope", None, f"{scope!r:.80} is no scope: {did_you_mean(scope, words)}")
    return cast("Word", scope)


def _positive(field: str, value: float) -> float:
    if not 0 < value < 1e10:
        raise ValidationError(field, None, f"{field} must be more than 0, not {value}")
    return value
