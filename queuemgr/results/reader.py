"""A large result, open for reading: at a glance, by pages, whole or as a stream. It writes nothing."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

from queuemgr.codec import Codec
from queuemgr.errors import UndecodableError
from queuemgr.result import ResultInfo

from .frames import ITEMS, Index, damaged, has_index, read_frame, read_head, read_index
from .plain import plain
from .shape import sample_of, shape_of
from .small import no_list
from .stream import document, open_stream

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from queuemgr.result import Reference, Source

    from .frames import Section


class StoredResult:
    """Reads only the frames that it is asked for. `expected` is None where it is still being written.

    Close it, or use it in a `with` block. Everything here raises CorruptStore.
    """

    def __init__(self, source: Source, codec: Codec, *, expected: Reference | None = None) -> None:
        self.source = source
        self.codec = codec
        self.complete = expected is not None
        if expected is not None and source.size() != expected.stored:
            raise damaged(source, f"it has {source.size():,} bytes instead of {expected.stored:,}")
        self.index = read_index(source) if expected is not None else Index("", codec.format)
        if self.index.format != codec.format:
            self.codec = Codec(self.index.format, codec.types)
        self.offsets = self.index.offsets()
        self._page: tuple[int, list[Any]] = (-1, [])
        self.refresh()

    def refresh(self) -> bool:
        """See what a growing result has gained; whether it is complete now."""
        if self.complete:
            return True
        index, offset = self.index, self.offsets[-1]
        while (head := read_head(self.source, offset)) is not None:
            index.add(head.type, None, head)
            offset += index.packed[-1]
        if has_index(self.source, offset):
            self.index, self.complete = read_index(self.source), True
        elif index.sections:
            first = index.sections[0]
            index.kind = "list" if first.type == ITEMS else "bytes"
            index.length = first.count if first.type == ITEMS else None
        self.offsets = self.index.offsets()
        return self.complete

    def info(self) -> ResultInfo:
        index = self.index
        sample = self._sample()
        return ResultInfo(
            size=index.size,
            stored=self.source.size(),
            kind=index.kind,
            length=index.length,
            shape=index.shape or shape_of(sample),
            sample=sample,
            lists={section.key: section.count for section in index.sections if section.type == ITEMS},
            complete=self.complete,
        )

    def page(self, offset: int = 0, limit: int = 100, at: str | None = None) -> list[Any]:
        """Items of a list from `offset` on, which counts from the end if it is negative; `at` is its key in a dict.

        Raises ResultError where there is no such list, UndecodableError.
        """
        section = self._list(at)
        if section is None:
            return []
        start = max(0, offset + section.count) if offset < 0 else offset
        return [item for items in self._from(section, start, start + limit) for item in items]

    def pages(self, size: int = 1000, at: str | None = None, start: int = 0) -> Iterator[list[Any]]:
        """All that is there from the item `start` on, `size` items at a time."""
        while page := self.page(start, size, at):
            yield page
            start += len(page)

    def load(self) -> Any:
        """The whole value. Raises UndecodableError."""
        index = self.index
        if index.kind == "dict":
            return self._load_dict()
        if index.kind == "list":
            return [item for section in index.sections for items in self._from(section, 0) for item in items]
        data = b"".join(self.frame(number) for number in range(len(index.packed)))
        return data if index.kind == "bytes" else self.codec.decode(data)

    def encoded(self) -> bytes:
        """The whole value as the codec would have encoded it."""
        if self.index.kind != "bytes" and self.codec.format == "json":
            return document(self)
        return self.codec.encode(self.load(), "result")

    def stream(self, at: str | None = None) -> io.BufferedReader:
        """Bytes: of a list each item as a line of JSON, of bytes these, of anything else one JSON text.

        Raises ResultError where there is no list at `at`.
        """
        if at is not None:
            self._list(at)
        return open_stream(self, at)

    def frame(self, number: int) -> bytes:
        return read_frame(self.source, self.index, self.offsets, number)

    def close(self) -> None:
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _list(self, at: str | None) -> Section | None:
        """None where it has no items yet."""
        lists = {section.key: section for section in self.index.sections if section.type == ITEMS}
        if at not in lists and (at is not None or self.index.kind not in ("list", "")):
            raise no_list(at, self.index.kind, lists)
        return lists.get(at)

    def _from(self, section: Section, start: int, end: int | None = None) -> Iterator[list[Any]]:
        """Items of the section, frame by frame."""
        counts = self.index.counts[section.first : section.first + section.frames]
        bounds = [0, *accumulate(counts)]
        end = section.count if end is None else min(end, section.count)
        for nth in range(bisect_right(bounds, start) - 1, section.frames):
            if bounds[nth] >= end:
                return
            items = self._items(section.first + nth)
            yield items[max(0, start - bounds[nth]) : end - bounds[nth]]

    def _items(self, number: int) -> list[Any]:
        kept, items = self._page
        if kept != number:
            items = self.codec.decode_items(self.frame(number), self.index.counts[number])
            self._page = (number, items)
        return items

    def _load_dict(self) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for section in self.index.sections:
            if section.type == ITEMS:
                assert section.key is not None
                value[section.key] = [item for items in self._from(section, 0) for item in items]
                continue
            for number in range(section.first, section.first + section.frames):
                for part in self._items(number):
                    value.update(part)
        return value

    def _sample(self) -> Any:
        index = self.index
        if index.sample is not None:
            try:
                return self.codec.decode(index.sample)
            except UndecodableError:  # it holds a class that is not known here
                return plain(index.sample, index.format)
        if index.sections and index.sections[0].type == ITEMS:
            return [sample_of(item) for item in self._items(0)[:5]]
        return None
