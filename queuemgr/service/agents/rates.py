"""How often somebody may call tools, and change something by them, in a minute. It remembers names only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from queuemgr.service.access.attempts import Pace
from queuemgr.service.failures import TooManyAttempts

if TYPE_CHECKING:
    from queuemgr.clock import Clock


@dataclass(frozen=True, slots=True)
class Rates:
    """So many in a minute, for each who calls."""

    calls: int = 120
    changes: int = 20


class Meter:
    def __init__(self, rates: Rates, clock: Clock | None = None) -> None:
        self._rates = rates
        self._calls = Pace(clock)
        self._changes = Pace(clock)

    def call(self, person: str) -> None:
        """Raises TooManyAttempts."""
        _count(self._calls, person, self._rates.calls, "call tools")

    def change(self, person: str) -> None:
        """Raises TooManyAttempts."""
        _count(self._changes, person, self._rates.changes, "change something by tools")


def _count(pace: Pace, person: str, most: int, what: str) -> None:
    try:
        pace.count(person, most)
    except TooManyAttempts as error:
        raise TooManyAttempts(f"{person} may {what} {most} times in a minute", error.retry_after) from error
