"""Codes by which somebody confirms a change that was shown before: for one person, one call, once, for ten minutes.

They are worth nothing in another process. What a code allows is not decided here.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.service.failures import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.clock import Clock

LIFE = 600.0
"""Seconds for which a code holds."""
_AGAIN = "call it without confirm, look at what it would do, and confirm that with the new code"


class Unconfirmed(Refusal):
    """The code is not one for this."""


class Codes:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._used: dict[str, float] = {}

    def issue(self, person: str, operation: str, arguments: Mapping[str, Any]) -> str:
        until = self._clock.monotonic() + LIFE
        stamp = f"{int(until * 1000):x}.{secrets.token_hex(4)}"
        return f"{stamp}.{self._seal(stamp, person, operation, arguments)}"

    def spend(self, code: str, person: str, operation: str, arguments: Mapping[str, Any]) -> None:
        """Once. Raises Unconfirmed."""
        now = self._clock.monotonic()
        self._used = {one: until for one, until in self._used.items() if until > now}
        stamp, _, seal = str(code).rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(stamp, person, operation, arguments).encode()):
            raise Unconfirmed(f"nothing was done: the code is not one for {operation} with these arguments", _AGAIN)
        until = int(stamp.partition(".")[0], 16) / 1000
        if until <= now:
            raise Unconfirmed(f"nothing was done: the code is older than {LIFE / 60:g} minutes", _AGAIN)
        if code in self._used:
            raise Unconfirmed("nothing was done a second time: the code has been used", _AGAIN)
        self._used[code] = until

    def _seal(self, stamp: str, *what: Any) -> str:
        text = msgspec.json.encode((stamp, what), order="deterministic")
        return hmac.new(self._key, text, sha256).hexdigest()[:32]
