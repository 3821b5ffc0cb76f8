"""A clock that stands still until a test turns it. It wakes nobody: whoever sleeps must be woken by the test."""

from __future__ import annotations


class ManualClock:
    """Both kinds of time, moved together by `advance`. Parameters: `now` in seconds since the epoch."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._passed = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> float:
        """Let time pass; returns the new moment. Raises ValueError for less than no time: see `set`."""
        if seconds < 0:
            raise ValueError(f"time passes forwards, not by {seconds} s: use set() for a clock that was put back")
        self._now += seconds
        self._passed += seconds
        return self._now

    def set(self, moment: float) -> None:
        """Put the wall clock to `moment`, in seconds since the epoch, as an administrator may; no time passes."""
        self._now = moment
