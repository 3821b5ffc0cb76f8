"""Takes a value apart into encoded pieces that can be read by themselves. It writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.errors import EncodingError
from queuemgr.result import looks_small

from .frames import BYTES, FIELDS, FRAME, ITEMS, VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuemgr.codec import Codec

    Piece = tuple[str, str | None, bytes, int]

BLOCK = 64 * 1024  # bytes that are encoded at once, about
MOST = 1024  # items that are encoded at once
OWN_PAGES = 100  # items from which on a list in a dict can be read by pages


def pieces_of(value: Any, codec: Codec, name: str = "result") -> Iterator[Piece]:
    """(type, key, bytes, how many items or parts of a dict) in their order. Raises EncodingError."""
    kind = kind_of(value)
    if kind == "list":
        yield from _items(value, codec, name, None)
    elif kind == "dict":
        yield from _members(value, codec, name)
    elif kind == "bytes":
        yield from ((BYTES, None, value[start : start + FRAME], 0) for start in range(0, len(value), FRAME))
    else:
        data = codec.encode(value, name)
        yield from ((VALUE, None, data[start : start + FRAME], 0) for start in range(0, len(data), FRAME))


def kind_of(value: object) -> str:
    """As what it is kept. A dict whose keys need a tag is a plain value."""
    if type(value) is dict:
        plain = "$" not in value and all(type(key) is str for key in value)
        return "dict" if plain else "value"
    if type(value) is list:
        return "list"
    return "bytes" if type(value) is bytes else "value"


class Pace:
    """How many items are encoded at once, from how large they were so far: many small ones, or one large."""

    def __init__(self) -> None:
        self.items = 1

    def learn(self, items: int, size: int) -> None:
        fitting = BLOCK * items // max(1, size)
        self.items = max(1, min(MOST, 8 * self.items, fitting))


def encode_items(codec: Codec, items: list[Any], name: str, first: int) -> bytes:
    """Raises EncodingError, which names the item by its place in the whole."""
    try:
        return codec.encode_items(items, name)
    except EncodingError:
        for number, item in enumerate(items, first):
            codec.encode(item, f"{name}[{number}]")
        raise


def _items(values: list[Any], codec: Codec, name: str, key: str | None) -> Iterator[Piece]:
    pace, start = Pace(), 0
    while start < len(values):
        items = values[start : start + pace.items]
        data = encode_items(codec, items, name, start)
        yield ITEMS, key, data, len(items)
        start += len(items)
        pace.learn(len(items), len(data))


def _members(value: dict[str, Any], codec: Codec, name: str) -> Iterator[Piece]:
    """Lists with many items by themselves, and all that stands between them together."""
    pace, members = Pace(), iter(value.items())
    few: dict[str, Any] = {}
    for key, item in members:
        if _has_pages(item):
            yield from _fields(few, codec, name)
            few = {}
            yield from _items(item, codec, f"{name}[{key!r}]", key)
            continue
        few[key] = item
        if len(few) >= pace.items or not looks_small(item):
            for piece in _fields(few, codec, name):
                pace.learn(len(few), len(piece[2]))
                yield piece
            few = {}
    yield from _fields(few, codec, name)


def _fields(few: dict[str, Any], codec: Codec, name: str) -> Iterator[Piece]:
    if few:
        try:
            yield FIELDS, None, codec.encode_items([few], name), 1
        except EncodingError:
            codec.encode(few, name)
            raise


def _has_pages(item: object) -> bool:
    return type(item) is list and (len(item) >= OWN_PAGES or (len(item) > 1 and not looks_small(item)))
