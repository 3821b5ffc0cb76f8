"""What a person is to see, as blocks without colours and widths: a table, facts, lines, a sentence, a next step.

Two modules draw them: pretty.py in a terminal, plain.py anywhere else. This one draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Cell:
    """`style` is a word of STYLES in pretty.py: the name of a state, "dim", "strong", "bad" or nothing."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """`fraction` is 0 to 1; `text` stands beside it, or for it where nothing can be drawn."""

    fraction: float
    text: str
    style: str = ""


Item: TypeAlias = "Cell | Bar | str"


@dataclass(frozen=True, slots=True)
class Column:
    """Where the terminal is narrow, columns with the highest `drop` go first; 0 never goes. `shrinks` may be cut."""

    title: str
    right: bool = False
    drop: int = 0
    shrinks: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    columns: list[Column]
    rows: list[list[Item]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and what they are."""

    rows: list[tuple[str, Item]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    lines: list[Cell]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence; `bare` is what a program wants to read in its place."""

    item: Item
    bare: str | None = None


@dataclass(frozen=True, slots=True)
class Warn:
    """What stands in the way or went wrong. It is kept out of what a program reads."""

    text: str
    style: str = "warn"


@dataclass(frozen=True, slots=True)
class Next:
    """A command to go on with, for people only."""

    purpose: str
    command: str


Block: TypeAlias = Table | Pairs | Lines | Say | Warn | Next


@dataclass(slots=True)
class Page:
    blocks: list[Block] = field(default_factory=list)

    def without_next(self) -> Page:
        return Page([block for block in self.blocks if not isinstance(block, Next)])

    def add(self, *blocks: Block) -> Page:
        self.blocks += blocks
        return self


PageOf: TypeAlias = Callable[[Mapping[str, Any]], Page]
