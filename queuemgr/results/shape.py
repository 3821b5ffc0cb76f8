"""Says what a value is without showing all of it: its shape in words, and its beginning. It reads no bytes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from queuemgr.codec import Codec

SAMPLE = 16 * 1024  # bytes of an encoded sample at most


def shape_of(value: Any, depth: int = 2) -> str:
    """In words: `list of 100,000, each {id: int, name: str}`."""
    match value:
        case dict() if depth:
            few = [f"{key}: {shape_of(item, depth - 1)}" for key, item in islice(value.items(), 8)]
            return f"{{{', '.join([*few, '…'] if len(value) > len(few) else few)}}}"
        case list() if value and depth:
            return f"list of {len(value):,}, each {shape_of(value[0], depth - 1)}"
        case list() | dict() | tuple() | set() | frozenset():
            return f"{type(value).__name__} of {len(value):,}"
        case str() | bytes() if len(value) > 1000:
            return f"{type(value).__name__} of {len(value):,}"
        case None:
            return "None"
    return type(value).__name__


def sample_of(value: Any, most: int = 5) -> Any:
    """Its beginning, small: the first items and keys, and the beginnings of long texts."""
    match value:
        case list():
            return [sample_of(item, most - 1) for item in value[: max(1, most)]]
        case dict():
            return {key: sample_of(item, most - 1) for key, item in islice(value.items(), 20)}
        case str() | bytes():
            return value[:200]
    return value


def encode_sample(value: Any, codec: Codec) -> bytes | None:
    """The beginning of a value that can be written; None where even that is not small."""
    for most in (5, 2, 1):
        data = codec.encode(sample_of(value, most))
        if len(data) <= SAMPLE:
            return data
    return None
