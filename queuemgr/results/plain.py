"""Encoded values as JSON without building them: what JSON cannot say stays `{"$": type, "v": form}`."""

from __future__ import annotations

from typing import Any

import msgspec

_write = msgspec.json.Encoder()


def text_of(data: bytes, form: str) -> bytes:
    """One JSON text of one encoded value."""
    return data if form == "json" else _write.encode(plain(data, form))


def lines_of(data: bytes, form: str) -> bytes:
    """Each item of an encoded list as a line of JSON."""
    return _write.encode_lines(plain(data, form))


def plain(data: bytes, form: str) -> Any:
    """What JSON can say of one encoded value."""
    if form == "json":
        return msgspec.json.decode(data)
    return msgspec.to_builtins(msgspec.msgpack.decode(data), str_keys=True)
