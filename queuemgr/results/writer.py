"""A result that a running job writes piece by piece while others read it. It is a list or plain bytes, nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from queuemgr.errors import EncodingError
from queuemgr.result import SMALL

from .frames import BYTES, FRAME, ITEMS
from .pieces import Pace, encode_items
from .shape import encode_sample, sample_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from queuemgr.codec import Codec
    from queuemgr.result import Reference

    from .assembly import Assembly

P = ParamSpec("P")
T = TypeVar("T")

PAUSE = 1.0
"""Seconds after which others can read what was appended, if more is."""

FEW = 5


class ResultWriter:
    """Use it in a `with` block and from one thread. `append` makes a list of it, `write` plain bytes."""

    def __init__(self, assembly: Assembly, codec: Codec) -> None:
        self.length = 0
        self.result: bytes | None = None
        self._assembly = assembly
        self._codec = codec
        self._kind = ""
        self._beginning: Any = None
        self._flushed = time.monotonic()
        self._broken: BaseException | None = None

    @property
    def size(self) -> int:
        """Bytes that were written so far, before compression."""
        return self._assembly.size

    def append(self, item: Any) -> None:
        """One more item of a list, as it is now. Raises EncodingError, StoreUnavailable; then there is no result."""
        self._take([item])

    def extend(self, items: Iterable[Any]) -> None:
        """Many items of a list; of a list or tuple they are written much faster than one by one."""
        if not isinstance(items, (list, tuple)):
            for item in items:
                self._take([item])
            return
        pace, start = Pace(), 0
        while start < len(items):
            some = list(items[start : start + pace.items])
            pace.learn(len(some), self._take(some))
            start += len(some)

    def write(self, data: bytes) -> None:
        """More bytes of a result that is plain bytes. Raises EncodingError beyond the limit, StoreUnavailable."""
        if self._kind != "bytes" or self.result is not None:
            self._begin("bytes", b"")
        self._beginning = self._beginning or bytes(data[:FRAME])
        self.length += len(data)
        for start in range(0, len(data), FRAME):
            self._put(BYTES, bytes(data[start : start + FRAME]), 0)

    def flush(self) -> None:
        """Let others read what has been written so far."""
        self._try(self._assembly.flush)
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Complete it. A second time does nothing. Raises EncodingError, StoreUnavailable."""
        self._check()
        if self.result is None:
            self._try(self._complete)

    def discard(self, error: BaseException | None = None) -> None:
        """Forget what was written."""
        self._broken = self._broken or error or EncodingError("the result was discarded before it was complete")
        self._assembly.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.discard(error)

    def _take(self, items: list[Any]) -> int:
        """How many bytes they are."""
        if self._kind != "list" or self.result is not None:
            self._begin("list", [])
        if len(self._beginning) < FEW:
            self._beginning += [sample_of(item) for item in items[: FEW - len(self._beginning)]]
        data = self._try(encode_items, self._codec, items, "result", self.length)
        self.length += len(items)
        self._put(ITEMS, data, len(items))
        if time.monotonic() - self._flushed > PAUSE:
            self.flush()
        return len(data)

    def _begin(self, kind: str, beginning: Any) -> None:
        self._check()
        if self.result is not None:
            raise EncodingError("the result is complete: nothing can be added to it")
        if self._kind:
            raise EncodingError(f"the result is a {self._kind}: use either append and extend, or write")
        self._kind, self._beginning = kind, beginning

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _put(self, type_: str, data: bytes, count: int) -> None:
        self._try(self._assembly.put, type_, None, data, count)

    def _try(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._check()
        try:
            return work(*args, **kwargs)
        except BaseException as error:
            self.discard(error)
            raise

    def _complete(self) -> None:
        assembly, is_list = self._assembly, self._kind != "bytes"
        if not assembly.begun and assembly.size <= SMALL:
            data = assembly.gathered()
            self.result = self._codec.as_list(data, self.length) if is_list else self._codec.encode(data)
        else:
            self.result = self._finish(assembly, is_list).encode()

    def _finish(self, assembly: Assembly, is_list: bool) -> Reference:
        sample = encode_sample(self._beginning, self._codec)
        if not is_list:
            return assembly.finish("bytes", None, f"bytes of {self.length:,}", sample)
        shape = f"list of {self.length:,}, each {shape_of(self._beginning[0], 1)}"
        return assembly.finish("list", self.length, shape, sample)
