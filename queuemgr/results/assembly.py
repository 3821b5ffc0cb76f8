"""Gathers encoded pieces into frames and frames into a draft. It encodes no values and knows no store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import EncodingError
from queuemgr.result import Reference, too_large

from .frames import FRAME, Index
from .press import Press

if TYPE_CHECKING:
    from queuemgr.result import Owner, ResultPlace


class Assembly:
    """One large result on its way into `place`. Nothing is there before the first frame is full.

    `limit` is in bytes before compression.
    """

    def __init__(self, place: ResultPlace | None, owner: Owner, format_: str, limit: int | None) -> None:
        self.size = 0
        self.index = Index("", format_)
        self._place = place
        self._owner = owner
        self._limit = limit
        self._press: Press | None = None
        self._type = ""
        self._key: str | None = None
        self._parts: list[bytes] = []
        self._gathered = self._count = 0

    @property
    def begun(self) -> bool:
        """Whether anything is in its place already."""
        return self._press is not None

    def put(self, type_: str, key: str | None, data: bytes, count: int = 0) -> None:
        """A piece that belongs together. Raises EncodingError beyond the limit, StoreUnavailable."""
        self.size += len(data)
        if self._limit is not None and self.size > self._limit:
            raise too_large(f"more than {self._limit:,}", self._limit)
        if (type_, key) != (self._type, self._key):
            self.cut()
            self._type, self._key = type_, key
        self._parts.append(data)
        self._gathered += len(data)
        self._count += count
        if self._gathered >= FRAME:
            self.cut()

    def cut(self) -> None:
        """Close the frame, if anything is in it."""
        if not self._parts:
            return
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._begun().put(self._type, self._key, data, self._count)
        self._parts.clear()
        self._gathered = self._count = 0

    def flush(self) -> None:
        """Close the frame, and return once all of it can be read by others. Raises StoreUnavailable."""
        self.cut()
        if self._press is not None:
            self._press.drain()

    def gathered(self) -> bytes:
        """What is in the frame that is not closed yet."""
        return b"".join(self._parts)

    def finish(self, kind: str, length: int | None, shape: str, sample: bytes | None) -> Reference:
        """Complete it and make it safe. Raises StoreUnavailable."""
        self.cut()
        press = self._begun()
        press.drain()
        index = self.index
        index.kind, index.length, index.shape, index.sample = kind, length, shape, sample
        digest = press.finish()
        return Reference(digest, kind, self.size, press.stored, length)

    def discard(self) -> None:
        if self._press is not None:
            self._press.discard()

    def _begun(self) -> Press:
        if self._press is None:
            if self._place is None:
                raise EncodingError(
                    f"the result takes more than {FRAME:,} bytes and there is no place for large results: "
                    "name one to the App with results=Results(folder=...)"
                )
            self._press = Press(self._place.draft(self._owner), self.index)
        return self._press
