"""How quick something is, on a machine that others use as well. It knows nothing of what is measured."""

from __future__ import annotations

from collections.abc import Callable


def quickest(measure: Callable[[], float], bound: float, tries: int = 4) -> float:
    """The least of up to so many measurements; the first one below the bound is the last.

    What is slow is slow each time. What the machine held up once is not held up each time.
    """
    least = measure()
    while least >= bound and (tries := tries - 1):
        least = min(least, measure())
    return least
