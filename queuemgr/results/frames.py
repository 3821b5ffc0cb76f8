"""The form of a large result in its place: independent compressed frames, then an index of them. It opens nothing.

A file is plain Zstandard, and `zstdcat` shows the bytes. Before each frame a head of 32 bytes stands in what Zstandard
calls a skippable frame, so that a file can be read while it grows; the index at its end is one as well.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec
import zstandard

from queuemgr.errors import CorruptStore

if TYPE_CHECKING:
    from queuemgr.result import Source

LEVEL = 1  # the higher ones are slower, and save little on such data
FRAME = 256 * 1024
"""Bytes of data after which a frame is closed: what has to be read for the shortest page."""

ITEMS, FIELDS, VALUE, BYTES = "i", "f", "v", "b"
"""What a frame holds: items of a list; dicts that are parts of one dict; a part of one encoded value; bytes."""

_HEAD_MAGIC, _INDEX_MAGIC = 0x184D2A51, 0x184D2A52
_HEAD = struct.Struct("<II1s3xIQQ")
_SKIP = struct.Struct("<II")
_FOOT = struct.Struct("<I4s")
_END = b"QMR1"
HEAD = _HEAD.size


class Section(msgspec.Struct, array_like=True):
    """Frames of one type that follow each other. `key` is a list's in a dict; `count` are their items or parts."""

    type: str
    key: str | None
    first: int
    frames: int = 0
    count: int = 0


class Index(msgspec.Struct, array_like=True):
    """`packed` are bytes of each frame with its head, `raw` those of its data, `counts` its items or parts."""

    kind: str
    format: str
    length: int | None = None
    shape: str = ""
    sample: bytes | None = None
    sections: list[Section] = msgspec.field(default_factory=list)
    packed: list[int] = msgspec.field(default_factory=list)
    raw: list[int] = msgspec.field(default_factory=list)
    counts: list[int] = msgspec.field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(self.raw)

    def add(self, type_: str, key: str | None, head: Head) -> None:
        last = self.sections[-1] if self.sections else None
        if last is None or (last.type, last.key) != (type_, key):
            last = Section(type_, key, len(self.packed))
            self.sections.append(last)
        last.frames += 1
        last.count += head.count
        self.packed.append(HEAD + head.packed)
        self.raw.append(head.raw)
        self.counts.append(head.count)

    def offsets(self) -> list[int]:
        """Where each frame's head begins, and where the last one ends."""
        return [0, *accumulate(self.packed)]


@dataclass(frozen=True, slots=True)
class Head:
    type: str
    count: int
    raw: int
    packed: int


def compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)


def pack(type_: str, count: int, data: bytes, by: zstandard.ZstdCompressor) -> tuple[Head, bytes]:
    """A head and its frame."""
    frame = by.compress(data)
    head = Head(type_, count, len(data), len(frame))
    return head, _HEAD.pack(_HEAD_MAGIC, HEAD - _SKIP.size, type_.encode(), count, len(data), len(frame)) + frame


def tail(index: Index) -> bytes:
    """What follows the last frame."""
    body = compressor().compress(msgspec.msgpack.encode(index))
    return _SKIP.pack(_INDEX_MAGIC, len(body) + _FOOT.size) + body + _FOOT.pack(len(body), _END)


def read_head(source: Source, offset: int) -> Head | None:
    """The head at `offset`; None at the end, also where its frame is not whole yet."""
    data = source.read(offset, HEAD)
    if len(data) < HEAD:
        return None
    magic, _, type_, count, raw, packed = _HEAD.unpack(data)
    if magic != _HEAD_MAGIC or offset + HEAD + packed > source.size():
        return None
    return Head(type_.decode("latin-1"), count, raw, packed)


def read_index(source: Source) -> Index:
    """The index of a complete result. Raises CorruptStore."""
    size = source.size()
    foot = source.read(max(0, size - _FOOT.size), _FOOT.size)
    length, mark = _FOOT.unpack(foot) if len(foot) == _FOOT.size else (0, b"")
    start = size - _FOOT.size - length
    if mark != _END or start < 0:
        raise damaged(source, f"its {size:,} bytes have no index at their end, so that the rest of them is missing")
    body = source.read(start, length)
    try:
        index = msgspec.msgpack.decode(_decompress(body), type=Index)
    except (zstandard.ZstdError, msgspec.DecodeError, MemoryError) as error:
        raise damaged(source, f"its index cannot be read ({error})") from error
    if sum(index.packed) + _SKIP.size != start:
        raise damaged(source, "its index does not fit its size")
    return index


def read_frame(source: Source, index: Index, offsets: list[int], number: int) -> bytes:
    """The data of one frame. Raises CorruptStore where its checksum is wrong."""
    frame = source.read(offsets[number] + HEAD, index.packed[number] - HEAD)
    try:
        data = _decompress(frame)
    except (zstandard.ZstdError, MemoryError) as error:
        raise damaged(source, f"frame {number + 1} of {len(index.packed)} cannot be read ({error})") from error
    if len(data) != index.raw[number]:
        raise damaged(source, f"frame {number + 1} of {len(index.packed)} is another one than was written")
    return data


def has_index(source: Source, offset: int) -> bool:
    """Whether the frames end at `offset` and the index follows."""
    data = source.read(offset, _SKIP.size)
    if len(data) < _SKIP.size:
        return False
    magic, length = _SKIP.unpack(data)
    return bool(magic == _INDEX_MAGIC and offset + _SKIP.size + length == source.size())


def damaged(source: Source, what: str) -> CorruptStore:
    return CorruptStore(f"the result in {source.name} is damaged: {what}; run its job again (`queuemgr jobs retry`)")


def _decompress(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(data)
