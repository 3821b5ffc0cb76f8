"""For how long a question is put again: after trouble that passes, and only where that is safe. It asks nothing."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from .faults import named

if TYPE_CHECKING:
    from .address import Address
    from .faults import Refused

PATIENCE = 10.0
"""Seconds for which a store that was reached before is asked again, while a server restarts or a standby takes over."""

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0


class Patience:
    """One question's tries."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._until = time.monotonic() + PATIENCE
        self._pause = FIRST_PAUSE

    def pause_after(self, refused: Refused, *, safe: bool, known: bool) -> float:
        """Seconds to wait before the next try. Raises the refusal as an error of ours where there is none.

        `safe` says that the question may be put twice, `known` that the store was reached before: else what keeps us
        out counts at once.
        """
        passing = refused.undone or (refused.lost and safe)
        if not passing or (refused.outside and not known) or time.monotonic() > self._until:
            raise named(refused, self._address.shown) from refused
        pause = self._pause * random.uniform(0.5, 1.0)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return pause
