"""Forgets what has outlived its time, in slices between which a worker's heart beats. What that is, its store knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .result import Keeper
    from .store import Store

EVERY = 60.0
"""Seconds after which it begins anew."""
SLICE = 0.25
"""Seconds that it takes at once; what is left then is for the next slice."""


class Pruning:
    """For one worker. Large results that nobody needs any more go with what the `keeper` cleans up."""

    def __init__(self, store: Store, keeper: Keeper | None = None) -> None:
        self._store = store
        self._keeper = keeper
        self._due = float("-inf")

    async def tend(self) -> None:
        """Forget some, if it is time to. Called again and again. Raises StoreError."""
        clock = self._store.clock
        began = clock.monotonic()
        if began < self._due:
            return
        while await self._store.prune():
            if clock.monotonic() - began >= SLICE:
                return
        self._due = began + EVERY
        if self._keeper is not None:
            self._keeper.tend(self._store)
