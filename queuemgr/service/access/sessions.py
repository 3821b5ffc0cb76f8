"""Logins of browsers: a cookie stands for a token until the token is gone or the process ends.

Nothing is kept on disk.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

from .token import digest_of

if TYPE_CHECKING:
    from .token import Token

COOKIE = "queuemgr"
MOST = 1000
"""Sessions at once; beyond that the one ends that was used longest ago."""

LONGEST = 100


class Sessions:
    def __init__(self) -> None:
        # By the hash of what the cookie holds, so that a look into the memory of a list gives nobody a cookie.
        self._tokens: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tokens)

    def begin(self, token: Token) -> str:
        """What the cookie is to hold."""
        value = secrets.token_urlsafe(32)
        self._tokens[digest_of(value)] = token.digest
        while len(self._tokens) > MOST:
            self._tokens.popitem(last=False)
        return value

    def digest_behind(self, value: str) -> str | None:
        """The digest of the token with which the session began; None where there is no such session."""
        if not value.isascii() or len(value) > LONGEST:
            return None
        key = digest_of(value)
        if key in self._tokens:
            self._tokens.move_to_end(key)
        return self._tokens.get(key)

    def end(self, value: str) -> None:
        self._tokens.pop(digest_of(value), None) if value.isascii() else None


def cookie(value: str, *, path: str, secure: bool) -> tuple[str, str]:
    """The header that gives a browser its cookie; an empty value takes it away."""
    end = "" if value else "; Max-Age=0"
    safely = "; Secure" if secure else ""
    return ("set-cookie", f"{COOKIE}={value}; Path={path or '/'}; HttpOnly; SameSite=Strict{safely}{end}")
