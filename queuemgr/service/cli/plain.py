"""Draws blocks as bare text for pipes and files: aligned, never cut, without a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.service.words import harmless

from .page import Lines, Next, Pairs, Say, Table, Warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .page import Block, Item, Page


def text_of(page: Page) -> str:
    """Everything but warnings and next steps; ends with a newline unless it is empty."""
    parts = ["\n".join(_lines(block)) for block in page.blocks if not isinstance(block, (Warn, Next))]
    return "".join(f"{part}\n" for part in parts)


def asides_of(page: Page, *, with_next: bool) -> list[str]:
    """The warnings and the next steps."""
    told = [block.text for block in page.blocks if isinstance(block, Warn)]
    steps = [f"{block.purpose}: {block.command}" for block in page.blocks if isinstance(block, Next)]
    return [harmless(text) for text in [*told, *(steps if with_next else [])]]


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, (Table, Pairs, Lines)) and block.title:
        yield ""
        yield block.title
    match block:
        case Table():
            yield from _table(block)
        case Pairs(rows):
            width = max((len(name) for name, _ in rows), default=0)
            yield from (_indented(f"{name:{width}}  ", plain(item)) for name, item in rows)
        case Lines(lines):
            yield from (plain(line) for line in lines)
        case Say(item, bare):
            yield plain(item) if bare is None else bare
        case Warn() | Next():
            return


def plain(item: Item) -> str:
    return harmless(item if isinstance(item, str) else item.text)


def _table(table: Table) -> Iterator[str]:
    rows = [[column.title for column in table.columns]]
    rows += [[plain(item).replace("\n", " ") for item in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            text.rjust(width) if column.right else text.ljust(width)
            for text, width, column in zip(row, widths, table.columns, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _indented(label: str, text: str) -> str:
    return (label + text.replace("\n", "\n" + " " * len(label))).rstrip()
