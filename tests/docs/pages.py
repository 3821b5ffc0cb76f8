"""Reads the pages of the documentation: headings, fenced blocks, links, words in code. It runs nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*(ROOT / name for name in ("README.md", "README.ru.md", "CHANGELOG.md", "CONTRIBUTING.md")), *DOCS]

_FENCE = re.compile(r"^ {0,3}```(\w*)$")
_HEADING = re.compile(r"^(#{1,6}) (.+)$")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `line` is the number of the line with its opening fence."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that a Python block is to be saved as: its first line says `# name.py`."""
        named = re.match(r"# (\w+\.py)\n", self.text)
        return named[1] if named and self.language == "python" else None

    def __str__(self) -> str:
        return f"{os.path.relpath(self.page, ROOT)}:{self.line}"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    found: list[Block] = []
    opened: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, lines = (number, fence[1]), []
        elif opened is not None and fence:
            found.append(Block(page, *opened, "".join(f"{line}\n" for line in lines)))
            opened = None
        else:
            lines.append(line)
    assert opened is None, f"{name_of(page)}:{opened} opens a block that is never closed"
    return found


def prose_of(page: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines outside of fenced blocks."""
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def headings_of(page: Path) -> list[tuple[int, str]]:
    """(level, text) of each."""
    found = (_HEADING.match(line) for _, line in prose_of(page))
    return [(len(heading[1]), heading[2]) for heading in found if heading]


def anchors_of(page: Path) -> set[str]:
    """The fragments by which its headings can be linked to, as code hosts make them."""
    texts = (re.sub(r"[^\w\- ]", "", text.lower()) for _, text in headings_of(page))
    return {text.strip().replace(" ", "-") for text in texts}


def links_of(page: Path) -> list[tuple[int, str]]:
    """(line, target) of each."""
    return _found(page, _LINK)


def code_words_of(page: Path) -> list[tuple[int, str]]:
    """(line, text) of everything between single backticks in its prose."""
    return _found(page, _CODE)


def _found(page: Path, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    # In one piece, because a line may end inside of what is looked for.
    lines = dict(prose_of(page))
    text = "".join(f"{lines.get(number, '')}\n" for number in range(1, max(lines) + 1))
    return [(text.count("\n", 0, one.start()) + 1, " ".join(one[1].split())) for one in pattern.finditer(text)]


def commands_of(block: Block) -> list[tuple[int, str]]:
    """(line, command) in a block for a shell; in `console` blocks commands begin with `$ `, the rest is output."""
    numbered = enumerate(block.text.splitlines(), block.line + 1)
    if block.language == "console":
        return [(number, line.removeprefix("$ ")) for number, line in numbered if line.startswith("$ ")]
    return [(number, line) for number, line in numbered if line.strip() and not line.startswith("#")]
