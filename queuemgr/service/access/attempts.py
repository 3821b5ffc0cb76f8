"""Counts what somebody does too often: failed logins by address, requests by token. It bounds its own memory."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from queuemgr.clock import SystemClock
from queuemgr.service.failures import TooManyAttempts

if TYPE_CHECKING:
    from queuemgr.clock import Clock

MOST = 10_000
"""Addresses or tokens that are remembered; beyond that the one is forgotten that was heard of longest ago."""

MINUTE = 60.0


class FailedLogins:
    """Within `window` seconds an address may fail `most` times."""

    def __init__(self, most: int = 5, window: float = MINUTE, clock: Clock | None = None) -> None:
        self._most = most
        self._window = window
        self._clock = clock or SystemClock()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def require_few(self, address: str | None) -> None:
        """Raises TooManyAttempts."""
        name = network_of(address)
        failures = self._failures.get(name)
        if failures is None:
            return
        now = self._clock.monotonic()
        while failures and failures[0] <= now - self._window:
            failures.popleft()
        if not failures:
            del self._failures[name]
        elif len(failures) >= self._most:
            left = failures[0] + self._window - now
            raise TooManyAttempts(f"{len(failures)} logins from {address or 'there'} have failed", left)

    def failed(self, address: str | None) -> None:
        """One more. Raises TooManyAttempts where there were too many before."""
        self.require_few(address)
        name = network_of(address)
        self._failures.setdefault(name, deque(maxlen=self._most)).append(self._clock.monotonic())
        self._failures.move_to_end(name)
        while len(self._failures) > MOST:
            self._failures.popitem(last=False)

    def forget(self, address: str | None) -> None:
        """It came in."""
        self._failures.pop(network_of(address), None)


class Pace:
    """Lets each name through so many times in a minute, in bursts of as many."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        # The moment at which all that a name has asked for would be used up at a steady pace.
        self._spent: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._spent)

    def count(self, name: str, limit: int) -> None:
        """One request of a name that may ask `limit` times in a minute. Raises TooManyAttempts."""
        now, step = self._clock.monotonic(), MINUTE / limit
        spent = max(self._spent.get(name, now), now)
        if spent + step > now + MINUTE + 1e-9:
            raise TooManyAttempts(f"{name} may ask {limit} times in a minute", spent + step - now - MINUTE)
        self._spent[name] = spent + step
        self._spent.move_to_end(name)
        while len(self._spent) > MOST:
            self._spent.popitem(last=False)


def network_of(address: str | None) -> str:
    """What counts as one address: of IPv6 the first half, because whoever has one has all that share it."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
