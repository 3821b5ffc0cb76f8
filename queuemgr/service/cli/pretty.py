"""Draws blocks in a terminal: in colour where it has any, as wide as it is, with ASCII where it has no more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table as Grid
from rich.text import Text
from rich.theme import Theme

from queuemgr.service.words import harmless

from .page import Bar, Column, Lines, Next, Pairs, Say, Table, Warn
from .plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from .page import Block, Item, Page

STYLES = {
    "scheduled": "yellow",
    "ready": "blue",
    "running": "cyan",
    "held": "magenta",
    "parked": "magenta",
    "succeeded": "green",
    "dead": "bold red",
    "cancelled": "dim",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "strong": "bold",
    "quiet": "dim",
    "next": "cyan",
    "title": "bold",
    "": "none",
}
GAP = 2
BAR = 12
SHORTEST = 12
DUMB = ("dumb", "unknown")


class Terminal(Console):
    """A console that leaves the words as they are, and tells whoever writes when the reader is gone."""

    def __init__(self, **settings: Any) -> None:
        if os.environ.get("TERM", "") in DUMB:
            # Of such a terminal nothing is known but what the environment says, which rich does not ask.
            settings = {"width": _number("COLUMNS", 80), "height": _number("LINES", 25)} | settings
        super().__init__(theme=Theme(STYLES), markup=False, highlight=False, emoji=False, soft_wrap=False, **settings)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def drawn(page: Page, console: Console) -> RenderableType:
    return Group(*(draw(block, console) for block in spaced(page)))


def spaced(page: Page) -> Iterator[Block]:
    """The blocks, with an empty line between what was asked for and the words that follow it."""
    before: Block | None = None
    for block in page.blocks:
        if isinstance(before, (Table, Pairs, Lines)) and isinstance(block, (Say, Warn, Next)):
            yield Say("")
        yield block
        before = block


def draw(block: Block, console: Console) -> RenderableType:
    match block:
        case Table():
            return _titled(block.title, draw_table(block, console))
        case Pairs():
            return _titled(block.title, _pairs(block, console))
        case Lines():
            text = Text("\n").join(item_text(line, console) for line in block.lines)
            return _titled(block.title, text)
        case Say(item):
            return item_text(item, console)
        case Warn(text, style):
            return Text(harmless(text), style=style)
        case Next(purpose, command):
            return Text.assemble((f"{purpose}: ", "quiet"), (harmless(command), "next"))


def draw_table(table: Table, console: Console) -> Grid:
    """The table with as many of its columns as there is room for."""
    widths = _widths(table, console.width)
    grid = Grid(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="title", show_edge=False)
    for index, width in widths.items():
        column = table.columns[index]
        grid.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=width,
        )
    for row in table.rows:
        grid.add_row(*(_one_line(row[index], console) for index in widths))
    return grid


def item_text(item: Item, console: Console) -> Text:
    if isinstance(item, Bar):
        return Text.assemble((bar(item.fraction, BAR, console), item.style or "running"), " ", harmless(item.text))
    style = "" if isinstance(item, str) else item.style
    return Text(plain(item), style=style if style in STYLES else "")


def bar(fraction: float, width: int, console: Console) -> str:
    full, empty = ("#", "-") if _only_ascii(console) else ("\u2588", "\u2591")
    filled = round(width * min(1.0, max(0.0, fraction)))
    return full * filled + empty * (width - filled)


def _number(variable: str, usual: int) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() and int(text) > 0 else usual


def _titled(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="title"), body) if title else body


def _pairs(block: Pairs, console: Console) -> Grid:
    grid = Grid(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_header=False, show_edge=False)
    grid.add_column(style="quiet", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, item in block.rows:
        grid.add_row(name, item_text(item, console))
    return grid


def _widths(table: Table, room: int) -> dict[int, int]:
    """The columns that are kept, and how wide each is: first some are left out, then the widest are cut."""
    widths = {index: _width(table, index) for index in range(len(table.columns))}
    least = {index: _least(table.columns[index], width) for index, width in widths.items()}
    while _sum(least.values()) > room:
        droppable = [index for index in least if table.columns[index].drop]
        if not droppable:
            break
        dropped = max(droppable, key=lambda index: table.columns[index].drop)
        del widths[dropped], least[dropped]
    while _sum(widths.values()) > room:
        cut = [index for index in widths if widths[index] > least[index]] or list(widths)
        widest = max(cut, key=widths.__getitem__)
        if widths[widest] <= 1:
            break
        widths[widest] -= 1
    return widths


def _sum(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + GAP * (len(every) - 1)


def _least(column: Column, width: int) -> int:
    """How narrow the column may be."""
    return min(width, max(SHORTEST, cell_len(column.title))) if column.shrinks else width


def _width(table: Table, index: int) -> int:
    title = cell_len(table.columns[index].title)
    return max([title, *(_item_width(row[index]) for row in table.rows)])


def _item_width(item: Item) -> int:
    return cell_len(plain(item)) + (BAR + 1 if isinstance(item, Bar) else 0)


def _one_line(item: Item, console: Console) -> Text:
    text = item_text(item, console)
    return Text(text.plain.replace("\n", " "), style=text.style) if "\n" in text.plain else text


def _only_ascii(console: Console) -> bool:
    return not console.encoding.startswith("utf")
