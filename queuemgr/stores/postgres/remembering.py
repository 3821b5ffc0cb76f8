"""Keeps a count of very many jobs for a while, so that who asks every second does not keep the server busy.

A count of few is never kept.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

T = TypeVar("T")

FEW = 100_000
SHARE = 0.05
"""The part of the time that may be spent on asking the same again."""

MOST = 100


class Remembering:
    """Answers by what was asked for. A count of a million jobs takes a tenth of a second, and is kept for two."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    async def ask(self, what: Hashable, find_out: Callable[[], Awaitable[T]], jobs_of: Callable[[T], int]) -> T:
        until, kept = self._kept.get(what, (0.0, None))
        now, began = self._monotonic(), time.perf_counter()
        if now < until:
            answer: T = kept
            return answer
        answer = await find_out()
        taken = time.perf_counter() - began
        self._kept.pop(what, None)
        if jobs_of(answer) > FEW and len(self._kept) < MOST:
            self._kept[what] = (now + taken / SHARE, answer)
        return answer
