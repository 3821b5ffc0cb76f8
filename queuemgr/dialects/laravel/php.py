"""PHP's `serialize` and `unserialize` over plain data: objects are a class name and properties, and nothing is run.

Values shared by hard references (`R:`) are not told apart from copies when they are written again, and classes with a
format of their own (`C:`) stay opaque.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from queuemgr.errors import EncodingError

from .objects import INT64, MAX_DEPTH, PhpEnum, PhpObject, PhpOpaque, plain_name
from .reader import MAX_VALUES, unserialize

__all__ = ["MAX_DEPTH", "MAX_VALUES", "PhpEnum", "PhpObject", "PhpOpaque", "plain_name", "serialize", "unserialize"]

_KEY_NUMBER = re.compile(r"(0|-?[1-9]\d{0,18})\Z")


def serialize(value: Any) -> bytes:
    """The bytes that PHP's `unserialize` reads. Lists and tuples become arrays. Raises EncodingError."""
    writer = _Writer()
    writer.write(value, 0)
    return b"".join(writer.parts)


class _Writer:
    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._slot = 0
        self._objects: dict[int | PhpEnum, int] = {}

    def write(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise EncodingError(f"a PHP value may be nested {MAX_DEPTH} levels deep, and contain no cycle of arrays")
        self._slot += 1
        match value:
            case None:
                self.parts.append(b"N;")
            case bool():
                self.parts.append(b"b:1;" if value else b"b:0;")
            case int():
                self.parts.append(_int(value))
            case float():
                self.parts.append(b"d:%s;" % _float_text(value).encode())
            case str() | bytes():
                self.parts.append(b"s:%s;" % _quoted(value))
            case dict():
                self._members(b"a:", value, depth, as_array=True)
            case list() | tuple():
                self._members(b"a:", dict(enumerate(value)), depth, as_array=True)
            case PhpObject() | PhpOpaque() | PhpEnum():
                self._object(value, depth)
            case _:
                raise EncodingError(f"a {type(value).__name__} has no form in PHP; send text, numbers, lists or dicts")

    def _object(self, value: PhpObject | PhpOpaque | PhpEnum, depth: int) -> None:
        itself = value if isinstance(value, PhpEnum) else id(value)
        if (seen := self._objects.get(itself)) is not None:
            self.parts.append(b"r:%d;" % seen)
            return
        self._objects[itself] = self._slot
        match value:
            case PhpEnum(name, case):
                self.parts.append(b"E:%s;" % _quoted(f"{name}:{case}"))
            case PhpOpaque(name, data):
                self.parts.append(b"C:%s:%d:{%s}" % (_quoted(name), len(data), data))
            case PhpObject(name, properties):
                self._members(b"O:%s:" % _quoted(name), properties, depth, as_array=False)

    def _members(self, head: bytes, members: dict[Any, Any], depth: int, *, as_array: bool) -> None:
        self.parts.append(b"%s%d:{" % (head, len(members)))
        for key, value in members.items():
            self.parts.append(_key(key, as_array))
            self.write(value, depth + 1)
        self.parts.append(b"}")


def _int(number: int) -> bytes:
    if number not in INT64:
        raise EncodingError(f"{number} is longer than 64 bits, which PHP's whole numbers have; send it as text")
    return b"i:%d;" % number


def _quoted(text: str | bytes) -> bytes:
    try:
        data = text if isinstance(text, bytes) else text.encode()
    except UnicodeEncodeError as error:
        raise EncodingError(f"{text!a} holds half a character; send bytes instead") from error
    return b'%d:"%s"' % (len(data), data)


def _key(key: Any, as_array: bool) -> bytes:
    if isinstance(key, int) and not isinstance(key, bool):
        return _int(key)
    if not isinstance(key, (str, bytes)):
        raise EncodingError(f"{key!r} cannot be a key in PHP; keys are text or whole numbers")
    # PHP turns such a text into a number whenever it is a key of an array.
    if as_array and isinstance(key, str) and _KEY_NUMBER.match(key) and int(key) in INT64:
        return _int(int(key))
    return b"s:%s;" % _quoted(key)


def _float_text(number: float) -> str:
    text = repr(number)
    if text in ("inf", "-inf", "nan"):
        return text.upper()
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text.removesuffix(".0")
    if exponent == "+16":
        return f"{Decimal(text):f}"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent):+d}"
