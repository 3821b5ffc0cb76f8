"""Draws blocks in a terminal: in colour where it has any, as wide as it is, with ASCII where it has no more."""

from __future__ import annotations

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


class Terminal(Console):
    """A console that leaves the words as they are, and tells whoever writes when the reader is gone."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(theme=Theme(STYLES), markup=False, highlight=False, emoji=False, soft_wrap=False, **settings)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def drawn(page: Page, console: Console) -> RenderableType:
    return Group(*(_draw(block, console) for block in page.blocks))


def draw_table(table: Table, console: Console) -> Grid:
    """The table with as many of its columns as there is room for."""
    kept = _that_fit(table, console.width)
    grid = Grid(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="title", show_edge=False)
    for index in kept:
        column = table.columns[index]
        grid.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if column.shrinks else min(_width(table, index), console.width),
        )
    for row in table.rows:
        grid.add_row(*(_one_line(row[index], console) for index in kept))
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


def _draw(block: Block, console: Console) -> RenderableType:
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


def _titled(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="title"), body) if title else body


def _pairs(block: Pairs, console: Console) -> Grid:
    grid = Grid(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_header=False, show_edge=False)
    grid.add_column(style="quiet", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, item in block.rows:
        grid.add_row(name, item_text(item, console))
    return grid


def _that_fit(table: Table, width: int) -> list[int]:
    kept = list(range(len(table.columns)))
    while sum(_least(table, index) + GAP for index in kept) - GAP > width:
        droppable = [index for index in kept if table.columns[index].drop]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda index: table.columns[index].drop))
    return kept


def _least(table: Table, index: int) -> int:
    """How narrow the column may be."""
    column: Column = table.columns[index]
    wide = _width(table, index)
    return min(wide, max(12, cell_len(column.title))) if column.shrinks else wide


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
