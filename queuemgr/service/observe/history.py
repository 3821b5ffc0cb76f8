"""Measurements over time, kept in the store: minutes for hours, ten minutes for days, hours for months, days.

Many may write at the same moment: each stretch of time is written once. It measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from .measuring import read_many
from .sample import Sample, figure, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.store import Store

MOST_KNOWN = 500
"""So many stretches of each store are remembered once they were read."""


_KNOWN: WeakKeyDictionary[Store, dict[str, Sample]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Step:
    """Stretches of `seconds`, each kept for `kept` seconds."""

    seconds: int
    kept: float

    def key(self, number: int) -> str:
        return f"metrics:{self.seconds}:{number}"

    def at(self, moment: float) -> int:
        """The number of the stretch in which the moment lies."""
        return int(moment // self.seconds)


MINUTES = Step(60, 6 * 3600.0)
TENS = Step(600, 7 * 86400.0)
HOURS = Step(3600, 90 * 86400.0)
DAYS = Step(86400, 400 * 86400.0)
STEPS = (MINUTES, TENS, HOURS, DAYS)


@dataclass(frozen=True, slots=True)
class Series:
    """Points from `start` on, every `step` seconds; None where nothing was measured."""

    start: float
    step: float
    samples: list[Sample | None]

    def of(self, metric: str, queue: str | None = None) -> list[float | None]:
        return [None if one is None else figure(one, metric, queue) for one in self.samples]


async def put(store: Store, step: Step, number: int, sample: Sample) -> bool:
    """Write what was measured in a stretch; False where somebody else has."""
    return await store.key_put_if_absent(step.key(number), msgspec.json.encode(sample), step.kept + step.seconds)


async def get(store: Store, step: Step, numbers: Sequence[int]) -> list[Sample | None]:
    """What was measured in each of these stretches; None where nothing was, or it cannot be read."""
    return [_sample(text) for text in await read_many(store, [step.key(number) for number in numbers])]


async def get_again(store: Store, step: Step, numbers: Sequence[int]) -> list[Sample | None]:
    """The same without `totals`, and only what this process has not read from the store before: nothing changes."""
    known = _KNOWN.setdefault(store, {})
    keys = [step.key(number) for number in numbers]
    missing = [(key, number) for key, number in zip(keys, numbers, strict=True) if key not in known]
    found = dict(
        zip((key for key, _ in missing), await get(store, step, [number for _, number in missing]), strict=True)
    )
    samples = [known[key] if key in known else found[key] for key in keys]
    for key, sample in found.items():
        if sample is not None:
            sample.totals = []
            known[key] = sample
    for key in list(known)[: max(0, len(known) - MOST_KNOWN)]:
        del known[key]
    return samples


async def roll_up(store: Store, fine: Step, coarse: Step, number: int) -> bool:
    """Make a coarse stretch of fine ones; False where it is there already, or there is nothing to make it of."""
    if (await get(store, coarse, [number]))[0] is not None:
        return False
    each = coarse.seconds // fine.seconds
    found = [one for one in await get(store, fine, range(number * each, (number + 1) * each)) if one is not None]
    return bool(found) and await put(store, coarse, number, merge(found))


async def read(store: Store, now: float, span: float, points: int) -> Series:
    """The last `span` seconds in at most `points` points, up to the last stretch that is over."""
    step = _step_for(span, points)
    each = max(1, ceil(span / step.seconds / points))
    end = step.at(now)
    number = max(1, min(points, ceil(span / step.seconds / each)))
    start = end - each * number
    found = await get_again(store, step, range(start, end))
    grouped = [found[at : at + each] for at in range(0, len(found), each)]
    samples = [_merged(group) for group in grouped]
    return Series(float(start * step.seconds), float(each * step.seconds), samples)


def _step_for(span: float, points: int) -> Step:
    """The longest stretches that give so many points, or else the shortest that reach so far back."""
    reaching = [step for step in STEPS if span <= step.kept]
    enough = [step for step in reaching if span / step.seconds >= points]
    return enough[-1] if enough else reaching[0]


def _merged(group: Sequence[Sample | None]) -> Sample | None:
    found = [one for one in group if one is not None]
    return found[0] if len(found) == 1 else merge(found) if found else None


def _sample(text: bytes | None) -> Sample | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Sample)
    except msgspec.MsgspecError:
        return None
