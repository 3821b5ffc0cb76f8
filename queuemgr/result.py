"""What is known of a result without its value, and the contract of a place that holds large ones.

A small result stands in the store itself. In the stead of a large one a reference stands there, of a fixed length.
Nothing here opens a file or compresses.
"""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import quote, unquote

import msgspec

from .errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from .store import Store

SMALL = 64 * 1024
"""Bytes of an encoded result up to which it stands in the store itself."""

IN_STORE = 64 * 1024 * 1024
"""Bytes that a result may take where there is no place for large ones, and none was allowed by `max_result`."""

KINDS = ("list", "dict", "value", "bytes")

MEMBERS = 64  # of a dict that are looked at for a guess
_ATOMS = frozenset({int, float, bool, type(None)})

# 0xc1 begins no JSON and no MessagePack, so that no encoded value can be taken for a reference.
_FORM = struct.Struct("<4sBBxx32sQQq")
_MARK = b"\xc1qmr"
_VERSION = 1
REFERENCE = _FORM.size
"""Bytes of a reference: by their number alone most results can be told from one."""


class Reference(msgspec.Struct, frozen=True):
    """What stands in the store for a large result.

    `digest` is the SHA-256 of the bytes in their place and their name there; `size` counts them before compression,
    `stored` after it; `length` is the number of a list's items or a dict's keys.
    """

    digest: str
    kind: str
    size: int
    stored: int
    length: int | None = None

    def encode(self) -> bytes:
        length = -1 if self.length is None else self.length
        kind = KINDS.index(self.kind)
        return _FORM.pack(_MARK, _VERSION, kind, bytes.fromhex(self.digest), self.size, self.stored, length)

    @classmethod
    def read(cls, data: bytes | None) -> Reference | None:
        """None where `data` is no reference but an encoded value, or nothing."""
        if data is None or len(data) != REFERENCE or not data.startswith(_MARK):
            return None
        _, _, kind, digest, size, stored, length = _FORM.unpack(data)
        return cls(digest.hex(), KINDS[kind], size, stored, None if length < 0 else length)


class ResultInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A result at a glance.

    `size` counts bytes before compression, `stored` those that it takes where it is kept. `kind` is "list", "dict",
    "bytes" or "value" (anything else). `length` is the number of a list's items or a dict's keys. `lists` are the lists
    in it that can be read by pages, by their keys, and their lengths; None stands for the result itself. `sample` is
    its beginning. `complete` is False as long as it is being written.
    """

    size: int
    stored: int
    kind: str
    length: int | None
    shape: str
    sample: Any
    lists: Mapping[str | None, int] = msgspec.field(default_factory=dict)
    complete: bool = True


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Where large results are kept, and for how long.

    `folder` is by default beside the store, where that is a file; workers and callers on several machines need a shared
    one. A result goes `keep` seconds after its job's end at the latest, and the oldest go where all of them take more
    than `quota` bytes. With `place` they are kept elsewhere than in files.
    """

    folder: str | None = None
    keep: float | None = None
    quota: int | None = None
    place: ResultPlace | None = None


class Owner(msgspec.Struct, frozen=True):
    """The run that wrote a result."""

    job: str
    attempt: int

    @property
    def name(self) -> str:
        """What any place can keep of it: no more than letters, digits and `_.-~%`."""
        return f"{quote(self.job, safe='')}.{self.attempt}"

    @classmethod
    def named(cls, name: str) -> Self:
        """Whose name this is."""
        job, _, attempt = name.rpartition(".")
        return cls(unquote(job), int(attempt) if attempt.isdigit() else 0)


class Holding(msgspec.Struct, frozen=True):
    """What a place holds for one run. `digest` is None where it is being written, `owner` where nobody needs it."""

    owner: Owner | None
    digest: str | None
    stored: int


class Source(Protocol):
    """Bytes in their place, open for reading, perhaps while they grow."""

    name: str

    def size(self) -> int:
        """How many there are now."""

    def read(self, offset: int, length: int) -> bytes:
        """Fewer than `length` only at the end. May be called from several threads."""

    def close(self) -> None: ...


class Draft(Protocol):
    """Bytes on their way into a place. Others can read them meanwhile; nobody can refer to them."""

    def write(self, data: bytes) -> None:
        """Raises StoreUnavailable where they cannot be kept; then the draft is no more."""

    def keep(self, digest: str) -> None:
        """Make them safe, then known under their digest. Raises StoreUnavailable."""

    def discard(self) -> None:
        """Forget them. Nothing if they are kept already."""


class ResultPlace(Protocol):
    """Holds bytes by their digest for those runs that wrote them. Blocks; called from threads. Raises StoreError."""

    name: str

    def draft(self, owner: Owner) -> Draft: ...

    def open(self, digest: str) -> Source:
        """Raises KeyError where no such bytes are here."""

    def growing(self, owner: Owner) -> Source | None:
        """The draft of this run, None where there is none (yet, or any more)."""

    def holdings(self) -> Iterator[Holding]:
        """Everything that is here."""

    def release(self, holdings: Sequence[Holding]) -> int:
        """Forget these; bytes that nobody holds any more go. How many bytes went."""

    def belongs_to(self, store_id: str) -> bool:
        """Whether it holds the results of this store. The first that asks is the one."""


class Writer(Protocol):
    """A result that is written piece by piece. Leaving the `with` block completes it, an exception discards it."""

    result: bytes | None
    """What the store is to hold of it, once it is complete."""

    def append(self, item: Any) -> None:
        """One more item of a list. Raises EncodingError, StoreUnavailable."""

    def extend(self, items: Any) -> None: ...

    def write(self, data: bytes) -> None:
        """More bytes of a result that is plain bytes. It cannot be a list as well."""

    def flush(self) -> None:
        """Let others read what has been written so far; happens by itself every second."""

    def close(self) -> None:
        """Complete it: what was written is the result of this run, unless the run fails."""

    def discard(self) -> None:
        """Forget what was written."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Keeper(Protocol):
    """What an executor asks to keep results that are not small."""

    def keep(self, value: object, owner: Owner) -> bytes:
        """What the store is to hold: a reference, or the encoded value. Raises EncodingError, StoreError."""

    def writer(self, owner: Owner) -> Writer: ...

    def tend(self, store: Store) -> None:
        """Begin a clean-up, unless one runs. Called in an event loop; raises nothing."""

    async def rest(self) -> None:
        """Let a clean-up that has begun come to its end, within seconds."""


def looks_small(value: object) -> bool:
    """A guess whether the encoded value takes at most SMALL bytes, from a few of its parts."""
    return _guess(value, 3) <= SMALL


def _guess(value: Any, depth: int) -> float:
    kind = type(value)
    if kind is str or kind is bytes or kind is bytearray:
        return len(value)
    if kind is dict:
        few = value.values() if len(value) <= MEMBERS else [*islice(value.values(), MEMBERS)]
    elif kind is list or kind is tuple:
        few = value if len(value) <= 3 else (value[0], value[len(value) // 2], value[-1])
    else:
        return 16.0 * len(value) if kind is set or kind is frozenset else 8
    if not few or not depth:
        return 8.0 * len(value)
    total = 0.0
    for item in few:
        total += 8 if type(item) in _ATOMS else _guess(item, depth - 1)
    return total * len(value) / len(few)


def too_large(taken: str, limit: int) -> EncodingError:
    return EncodingError(
        f"the result takes {taken} bytes and the limit is {limit:,}: "
        "return less, store it elsewhere and return where, or raise max_result in the App"
    )
