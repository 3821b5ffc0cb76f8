"""Measures several sides in turn, round by round, and prints their medians in a table. It knows nothing of jobs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Samples = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: the side that is measured and the bare one beside it, None where there is none."""

    name: str
    ours: str
    bare: str | None = None


def in_turn(sides: Mapping[str, Callable[[], float]], rounds: int) -> Samples:
    """A B A B: every round asks every side once, so that a busy minute of the machine falls on all of them."""
    samples: Samples = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            samples[name].append(measure())
    return samples


def show(title: str, rows: Sequence[Row], samples: Samples, unit: str) -> None:
    """Medians, the ratio of ours to bare, and how far the rounds of each lie apart: (largest - smallest) / median."""
    width = max(len(row.name) for row in rows) + 2
    rounds = min(map(len, samples.values()))
    print(f"\n{title}: {unit}, medians of {rounds} rounds")
    print(f"{'':{width}}{'ours':>10} {'±':>5}   {'bare':>10} {'±':>5}   {'ratio':>6}")
    for row in rows:
        ours = samples[row.ours]
        line = f"{row.name:{width}}{_number(ours)}"
        if row.bare is not None:
            bare = samples[row.bare]
            line += f"   {_number(bare)}   {statistics.median(ours) / statistics.median(bare):6.2f}"
        print(line)


def say(*lines: str) -> None:
    for line in lines:
        print(f"  {line}")


def _number(values: list[float]) -> str:
    middle = statistics.median(values)
    spread = (max(values) - min(values)) / middle if middle else 0.0
    digits = 0 if middle >= 1000 else 1 if middle >= 100 else 2
    return f"{middle:10,.{digits}f} {spread:5.0%}"
