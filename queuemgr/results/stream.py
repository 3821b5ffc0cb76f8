"""A large result as a stream of bytes for other programs, in bounded memory. It builds no values of JSON results."""

from __future__ import annotations

import io
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from .frames import FIELDS, FRAME, ITEMS
from .plain import lines_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer

    from .frames import Section
    from .reader import StoredResult

    Part = tuple[int, Callable[[], bytes]]


def open_stream(result: StoredResult, at: str | None) -> io.BufferedReader:
    """Of a list each item as a line of JSON, of bytes these, of anything else one JSON text.

    It can be sought in, unless the result is MessagePack, whose length as JSON nobody knows before.
    """
    if result.index.format == "json" or result.index.kind == "bytes":
        lists = {section.key: section for section in result.index.sections if section.type == ITEMS}
        parts = _lines(result, lists[at]) if at in lists else _document(result)
        return io.BufferedReader(PartStream(list(parts), result.close), FRAME)
    return io.BufferedReader(FlowStream(_translated(result, at), result.close), FRAME)


def document(result: StoredResult) -> bytes:
    """The JSON text of the whole."""
    return b"".join(make() for _, make in _document(result))


class PartStream(io.RawIOBase):
    """Bytes in parts of known lengths, each made when it is read. One part is kept in memory."""

    def __init__(self, parts: list[Part], on_close: Callable[[], None]) -> None:
        self._parts = parts
        self._on_close = on_close
        self._bounds = [0, *accumulate(length for length, _ in parts)]
        self._position = 0
        self._kept: tuple[int, memoryview] = (-1, memoryview(b""))

    def close(self) -> None:
        if not self.closed:
            self._on_close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._bounds[-1]}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        number = bisect_right(self._bounds, self._position) - 1
        if number >= len(self._parts):
            return 0
        if self._kept[0] != number:
            self._kept = (number, memoryview(self._parts[number][1]()))
        start = self._position - self._bounds[number]
        data = self._kept[1][start : start + len(target)]
        target[: len(data)] = data
        self._position += len(data)
        return len(data)


class FlowStream(io.RawIOBase):
    """Bytes in pieces of unknown lengths, forwards only."""

    def __init__(self, pieces: Iterator[bytes], on_close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._on_close = on_close
        self._left = memoryview(b"")

    def close(self) -> None:
        if not self.closed:
            self._on_close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        data = self._left[: len(target)]
        target[: len(data)] = data
        self._left = self._left[len(data) :]
        return len(data)


def _lines(result: StoredResult, section: Section) -> Iterator[Part]:
    for number in range(section.first, section.first + section.frames):
        yield result.index.raw[number], lambda number=number: result.frame(number)  # type: ignore[misc]


def _document(result: StoredResult) -> Iterator[Part]:
    index = result.index
    if index.kind == "list":
        yield from _array(result, index.sections[0] if index.sections else None)
    elif index.kind == "dict":
        yield from _object(result)
    else:
        for number, length in enumerate(index.raw):
            yield length, lambda number=number: result.frame(number)  # type: ignore[misc]


def _array(result: StoredResult, section: Section | None) -> Iterator[Part]:
    """Lines become items: the ends of lines commas, the last of them the end of the list."""
    if section is None:
        yield _glue(b"[]")
        return
    yield _glue(b"[")
    last = section.first + section.frames - 1
    for number in range(section.first, last + 1):
        end = b"]" if number == last else b","

        def make(number: int = number, end: bytes = end) -> bytes:
            return result.frame(number)[:-1].replace(b"\n", b",") + end

        yield result.index.raw[number], make


def _object(result: StoredResult) -> Iterator[Part]:
    before = b"{"
    for section in result.index.sections:
        if section.type == ITEMS:
            yield _glue(before + msgspec.json.encode(section.key) + b":")
            before = b","
            yield from _array(result, section)
            continue
        for number in range(section.first, section.first + section.frames):
            yield _glue(before)
            before = b","

            def make(number: int = number) -> bytes:
                return b",".join(part[1:-1] for part in result.frame(number).split(b"\n") if part)

            # Of each part go its braces and its end of line; commas come between.
            yield result.index.raw[number] - 2 * result.index.counts[number] - 1, make
    yield _glue(b"}" if before == b"," else b"{}")


def _glue(data: bytes) -> Part:
    return len(data), lambda: data


def _translated(result: StoredResult, at: str | None) -> Iterator[bytes]:
    """MessagePack as JSON, frame by frame where it has items."""
    index, codec = result.index, result.codec
    if index.kind == "value":
        yield text_of(b"".join(map(result.frame, range(len(index.raw)))), codec.format)
        return
    whole = index.kind == "dict" and at is None
    before = b"{"
    for section in index.sections:
        if not whole and (section.type, section.key) != (ITEMS, at):
            continue
        if whole and section.type == ITEMS:
            yield before + msgspec.json.encode(section.key) + b":"
        for nth, number in enumerate(range(section.first, section.first + section.frames)):
            lines = lines_of(codec.as_list(result.frame(number), index.counts[number]), codec.format)
            if not whole:
                yield lines
            elif section.type == FIELDS:
                yield before + b",".join(part[1:-1] for part in lines.split(b"\n") if part)
                before = b","
            else:
                yield (b"," if nth else b"[") + lines[:-1].replace(b"\n", b",")
        if whole and section.type == ITEMS:
            yield b"]"
        before = b","
    if whole:
        yield b"}"
