"""How a worker forgets what has outlived its time without forgetting to beat."""

from __future__ import annotations

import asyncio
from typing import cast

from queuemgr.pruning import EVERY, SLICE, Pruning
from queuemgr.store import Store
from queuemgr.testing.clock import ManualClock


class Old:
    """A store with so many old jobs, of which it forgets a thousand in a tenth of a second."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.asked = 0
        self.clock = ManualClock()

    async def prune(self) -> int:
        self.asked += 1
        self.clock.advance(0.1)
        gone = min(1000, self.jobs)
        self.jobs -= gone
        return gone


def test_what_is_too_much_for_one_slice_is_for_the_next() -> None:
    old = Old(10_000)
    pruning = Pruning(cast("Store", old))
    slices = 0
    while old.jobs:
        began = old.clock.monotonic()
        asyncio.run(pruning.tend())
        assert old.clock.monotonic() - began < SLICE + 0.1
        slices += 1
    assert slices == 4


def test_when_nothing_is_left_it_rests() -> None:
    old = Old(1)
    pruning = Pruning(cast("Store", old))
    for _ in range(3):
        asyncio.run(pruning.tend())
    assert old.asked == 2
    old.clock.advance(EVERY)
    asyncio.run(pruning.tend())
    assert old.asked == 3
