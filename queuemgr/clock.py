"""Where time comes from, so that tests can turn it.

Whatever is stored or decided takes its time from here; connections and screens ask the system themselves.
"""

from __future__ import annotations

import time
from math import inf
from typing import Protocol

DRIFT = 1e-3
"""Seconds by which two clocks may part in a second: that of a server that is being set right, too."""


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch: for moments that are stored or shown."""

    def monotonic(self) -> float:
        """Seconds that never jump: for durations within one process."""


class SystemClock:
    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class ServerClock:
    """A server's clock, followed from here. Until its time was heard for the first time it is this machine's.

    What is shared between machines is timed by it alone, so that a machine whose clock is wrong harms nobody.
    """

    def __init__(self, own: Clock) -> None:
        self.monotonic = own.monotonic
        self._ahead = own.now() - own.monotonic()
        self._doubt, self._doubted_at = inf, own.monotonic()

    def now(self) -> float:
        return self.monotonic() + self._ahead

    def heard(self, moment: float, asked_at: float) -> None:
        """The server said `moment` in answer to a question asked at `asked_at`, monotonic seconds.

        An answer that took longer than what is known already could be wrong only sets bounds: the server said it
        after the question and before now. So nothing that it had begun by then ends, by this clock, before it began.
        """
        now = self.monotonic()
        doubt = (now - asked_at) / 2
        if doubt <= self._doubt + DRIFT * (now - self._doubted_at):
            self._ahead, self._doubt, self._doubted_at = moment - (asked_at + now) / 2, doubt, now
        else:
            self._ahead = min(max(self._ahead, moment - now), moment - asked_at)
