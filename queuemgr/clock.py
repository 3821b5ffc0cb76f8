"""Where time comes from, so that tests can turn it.

Nothing else in the package asks the operating system for the time.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch: for moments that are stored or shown."""

    def monotonic(self) -> float:
        """Seconds that never jump: for durations within one process."""


class SystemClock:
    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
