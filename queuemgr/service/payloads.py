"""Reads stored arguments and results without the program that wrote them, for showing only. It builds no classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.secret import DOTS, Secret
from queuemgr.typetags import SECRET

if TYPE_CHECKING:
    from .told import ShownArguments, ShownResult

PLAIN_TAGS = frozenset(
    {"datetime", "date", "time", "uuid", "decimal", "float", "int", "tuple", "set", "frozenset", "bytes", SECRET}
)


def format_of(arguments: bytes) -> str:
    """ "json" or "msgpack". Arguments are always a list, and the two write the beginning of a list differently."""
    return "json" if arguments[:1] in (b"[", b"") else "msgpack"


def readable(data: bytes, form: str) -> Any:
    """The plain form: what JSON can say; values of other types stay `{"$": type, "v": plain form}`.

    Raises ValueError where the bytes are not in that format.
    """
    try:
        if form == "json":
            return _redacted(msgspec.json.decode(data))
        return _redacted(msgspec.to_builtins(_with_tagged_bytes(msgspec.msgpack.decode(data)), str_keys=True))
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"{len(data)} bytes that are no {form}: {error}") from error


def _redacted(value: Any) -> Any:
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("$") == SECRET:
        return {"$": SECRET, "v": DOTS}
    return {name: _redacted(item) for name, item in value.items()}


def _with_tagged_bytes(value: Any) -> Any:
    """MessagePack has bytes of its own; as JSON they would be taken for text."""
    if isinstance(value, bytes):
        return {"$": "bytes", "v": value}
    if isinstance(value, list):
        return [_with_tagged_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("$") in ("bytes", "bytearray"):
        return value
    return {name: _with_tagged_bytes(item) for name, item in value.items()}


def arguments_of(data: bytes) -> ShownArguments:
    seen: ShownArguments = {"positional": [], "named": {}, "size": len(data)}
    try:
        value = readable(data, format_of(data))
    except ValueError as error:
        return {**seen, "unreadable": str(error)}
    match value:
        case [list() as positional, dict() as named]:
            return {**seen, "positional": positional, "named": named}
        case [list() as positional]:
            return {**seen, "positional": positional}
    return {**seen, "unreadable": "they are not a list of arguments"}


def result_of(data: bytes | None, form: str) -> ShownResult:
    if data is None:
        return {"value": None, "size": 0}
    try:
        return {"value": readable(data, form), "size": len(data)}
    except ValueError as error:
        return {"value": None, "size": len(data), "unreadable": str(error)}


def large_value(data: bytes, kind: str) -> Any:
    """The plain form of what a large result's stream gave, without its secrets."""
    match kind:
        case "list":
            return _redacted(msgspec.json.Decoder().decode_lines(data))
        case "bytes":
            return {"$": "bytes", "v": msgspec.to_builtins(data)}
    return _redacted(msgspec.json.decode(data))


def untagged(value: Any) -> Any:
    """For people: `{"$": "date", "v": "2026-12-01"}` becomes `"2026-12-01"`. A secret becomes dots, read or not."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, Secret):
        return DOTS
    if not isinstance(value, dict):
        return value
    if "$" in value and "v" in value:
        if value["$"] == SECRET:
            return DOTS
        return untagged(value["v"]) if value["$"] in PLAIN_TAGS else {str(value["$"]): untagged(value["v"])}
    return {name: untagged(item) for name, item in value.items()}
