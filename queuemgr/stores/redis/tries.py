"""How often and how soon a call is tried again. It calls nothing."""

from __future__ import annotations

import random
import time

from queuemgr.errors import StoreError

from .faults import fault_of

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0


class Tries:
    """The tries of one call, for `patience` seconds. `again` says that it may have been carried out already."""

    def __init__(self, place: str, patience: float) -> None:
        self.again = False
        self._place = place
        self._deadline = time.monotonic() + patience
        self._pause = FIRST_PAUSE

    def failed(self, error: Exception) -> float:
        """Seconds to wait before the next try. Raises the error under our name where there is none."""
        over = time.monotonic() >= self._deadline
        if isinstance(error, StoreError):
            if over:
                raise error
        else:
            fault = fault_of(self._place, error)
            self.again = self.again or fault.doubtful
            if over or not fault.again:
                raise fault.error from error
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1.0)
