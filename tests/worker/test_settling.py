"""How ends of jobs reach a store that does not take them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from queuemgr import settle
from queuemgr.job import Lease
from queuemgr.outcome import SUCCEEDED
from queuemgr.settle import Settler
from queuemgr.store import Settlement, Store


class Stubborn:
    """A store with an error of its own for every end, for the first `times`."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.taken: list[Settlement] = []
        self.asked = 0

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        self.asked += 1
        if self.asked <= self.times:
            raise RuntimeError("it is broken")
        self.taken += settlements
        return [True] * len(settlements)


def end(job: str = "x") -> Settlement:
    return Settlement(Lease(1, job, "t", "q", 1, 0, 0, False, None, b"", 0.0), "w", SUCCEEDED, 1.0)


def test_between_tries_that_all_fail_it_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    turn = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await turn(0)

    monkeypatch.setattr(settle.asyncio, "sleep", sleep)
    store = Stubborn(times=12)

    async def scene() -> None:
        settler = Settler(cast("Store", store), on_stale=lambda _: None)
        settler.settle(end())
        await settler.drain()

    asyncio.run(scene())
    assert pauses == [0.05, 0.1, 0.2, 0.4]
    assert [ended.verdict.word for ended in store.taken] == ["failed"]


def test_what_cannot_be_written_down_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Stubborn(times=2)
    monkeypatch.setattr(settle, "FIRST_PAUSE", 3600.0)

    async def scene() -> None:
        settler = Settler(cast("Store", store), on_stale=lambda _: None)
        settler.settle(end("bad"))
        settler.settle(end("good"))
        await settler.drain()

    asyncio.run(scene())
    assert {ended.lease.id: ended.verdict.word for ended in store.taken} == {"bad": "failed", "good": "succeeded"}
