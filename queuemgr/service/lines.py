"""Makes whole lines of the pieces in which a job said them. A log record is a piece of its own and always whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from queuemgr.store import OutputLine


@dataclass(frozen=True, slots=True)
class Line:
    """`position` is that of its last piece; `at` and `attempt` are those of its first one."""

    position: int
    attempt: int
    at: float
    stream: str
    text: str


async def whole_lines(pieces: AsyncIterator[OutputLine]) -> AsyncIterator[Line]:
    """The lines in the order in which they ended; what has no end yet comes last."""
    begun: dict[tuple[int, str], Line] = {}
    async for piece in pieces:
        for line in ended_by(piece, begun):
            yield line
    for line in begun.values():
        yield line


def ended_by(piece: OutputLine, begun: dict[tuple[int, str], Line]) -> Iterator[Line]:
    """The lines that this piece ends; `begun` holds those that have no end yet, from one call to the next."""
    place = (piece.attempt, piece.stream)
    text = piece.text if piece.stream != "log" or piece.text.endswith("\n") else f"{piece.text}\n"
    *ends, rest = text.split("\n")
    for end in ends:
        yield _joined(begun.pop(place, None), piece, end)
    if rest:
        begun[place] = _joined(begun.get(place), piece, rest)


def _joined(begun: Line | None, piece: OutputLine, text: str) -> Line:
    if begun is None:
        return Line(piece.position, piece.attempt, piece.at, piece.stream, text.removesuffix("\r"))
    return Line(piece.position, begun.attempt, begun.at, begun.stream, begun.text + text.removesuffix("\r"))
