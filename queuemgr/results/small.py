"""A small result, which stood in the store itself, with the same verbs as a large one. It needs no compression."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Self

from queuemgr.errors import ResultError
from queuemgr.result import ResultInfo

from .plain import lines_of, text_of
from .shape import sample_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from queuemgr.codec import Codec


class SmallResult:
    """`data` as it stood in the store; None stands for the value None."""

    complete = True

    def __init__(self, data: bytes | None, codec: Codec) -> None:
        self._data = data
        self._codec = codec
        self._value: Any = None if data is None else codec.decode(data)

    def refresh(self) -> bool:
        return True

    def info(self) -> ResultInfo:
        value, size = self._value, len(self._data or b"")
        return ResultInfo(
            size=size,
            stored=size,
            kind=type(value).__name__ if type(value) in (list, dict, bytes) else "value",
            length=len(value) if type(value) in (list, dict) else None,
            shape=shape_of(value),
            sample=sample_of(value),
            lists={key: len(items) for key, items in self._lists().items()},
        )

    def page(self, offset: int = 0, limit: int = 100, at: str | None = None) -> list[Any]:
        """As StoredResult.page."""
        lists = self._lists()
        if at not in lists:
            raise no_list(at, type(self._value).__name__, lists)
        start = max(0, offset + len(lists[at])) if offset < 0 else offset
        return lists[at][start : start + limit]

    def pages(self, size: int = 1000, at: str | None = None, start: int = 0) -> Iterator[list[Any]]:
        """As StoredResult.pages."""
        while page := self.page(start, size, at):
            yield page
            start += len(page)

    def load(self) -> Any:
        return self._value

    def encoded(self) -> bytes:
        return b"null" if self._data is None else self._data

    def stream(self, at: str | None = None) -> io.BufferedReader:
        """As StoredResult.stream."""
        value = self._value
        if type(value) is bytes:
            return _opened(value)
        if at is None and type(value) is not list:
            return _opened(text_of(self.encoded(), self._codec.format))
        items = self.page(0, len(self._lists().get(at, ())), at)
        return _opened(lines_of(self._codec.encode(items), self._codec.format))

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lists(self) -> dict[str | None, list[Any]]:
        if type(self._value) is list:
            return {None: self._value}
        if type(self._value) is dict:
            return {key: item for key, item in self._value.items() if type(key) is str and type(item) is list}
        return {}


def no_list(at: str | None, kind: str, known: Iterable[str | None]) -> ResultError:
    """There is no list at `at` in a result of this kind."""
    keys = [repr(key) for key in known if key is not None]
    where = "itself is no list" if at is None else f"has no list at {at!r} that can be read by pages"
    way_out = f"name one of its lists: at={' or at='.join(keys)}" if keys else "load it whole, or read it as a stream"
    return ResultError(f"the result ({kind}) {where}: {way_out}")


def _opened(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))
