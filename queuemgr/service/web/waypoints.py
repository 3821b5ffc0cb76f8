"""Remembers places in large results at which no secret is open, so that a range need not be read from the beginning.

It reads nothing itself.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .masking import Masking

MOST = 256
"""Results that are remembered; beyond that the one is forgotten that was asked for longest ago."""

STEP = 4 * 1024 * 1024
"""Bytes between two places."""


class Waypoints:
    """Of each result, which is known by a name, some places in ascending order."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, list[int]] = OrderedDict()

    def before(self, name: str, place: int) -> int:
        """The last one that is known up to `place`; the beginning is always one."""
        places = self._places.get(name, [])
        after = bisect_right(places, place)
        return places[after - 1] if after else 0

    def add(self, name: str, place: int) -> None:
        if place - self.before(name, place) < STEP:
            return
        insort(self._places.setdefault(name, []), place)
        self._places.move_to_end(name)
        while len(self._places) > MOST:
            self._places.popitem(last=False)


class Noting:
    """Masks as `masking` does what begins at `start`, and tells each place that it passes with no secret open."""

    def __init__(self, masking: Masking, start: int, note: Callable[[int], None]) -> None:
        self._masking = masking
        self._at = start
        self._note = note

    def feed(self, data: bytes) -> bytes:
        self._at += len(data)
        masked = self._masking.feed(data)
        if (pending := self._masking.pending) is not None:
            self._note(self._at - pending)
        return masked

    def flush(self) -> bytes:
        return self._masking.flush()
