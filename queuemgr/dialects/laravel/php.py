"""PHP's `serialize` and `unserialize` over plain data: objects are a class name and properties, and nothing is run.

What is read is bounded in depth and number of values. Values shared by hard references (`R:`) are not told apart from
copies when they are written again, and classes with a format of their own (`C:`) stay opaque.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from queuemgr.errors import EncodingError, UndecodableError

MAX_DEPTH = 100
MAX_VALUES = 1_000_000

_INT64 = range(-(1 << 63), 1 << 63)
_INTEGER = re.compile(rb"-?\d{1,19}(?=[;:])|\+\d{1,18}(?=;)")
_FLOAT = re.compile(rb"(-?INF|NAN|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?);")
_KEY_NUMBER = re.compile(r"(0|-?[1-9]\d{0,18})\Z")


@dataclass(slots=True, eq=False)
class PhpObject:
    """An object as data. Its properties bear PHP's own names: `\\0*\\0name` is protected, `\\0Class\\0name` private."""

    name: str
    properties: dict[str | bytes | int, Any] = field(default_factory=dict)

    def get(self, wanted: str) -> Any:
        """The property of this name, whatever its visibility; None where there is none."""
        return next((value for name, value in self.properties.items() if plain_name(name) == wanted), None)

    def put(self, name: str, value: Any) -> None:
        """Set a property where it stands, or add it as a public one."""
        raw = next((raw for raw in self.properties if plain_name(raw) == name), name)
        self.properties[raw] = value


@dataclass(frozen=True, slots=True)
class PhpEnum:
    name: str
    case: str


@dataclass(frozen=True, slots=True, eq=False)
class PhpOpaque:
    """An object that wrote itself (`C:`); only its class can read it."""

    name: str
    data: bytes


def unserialize(data: bytes, max_values: int = MAX_VALUES) -> Any:
    """The value: None, bool, int, float, str (bytes where it is no UTF-8), dict for every array, or one of the above.

    Raises UndecodableError for anything that PHP's `unserialize` would not read whole, and for what is too large.
    """
    reader = _Reader(data, max_values)
    try:
        value = reader.value(0)
    except (ValueError, OverflowError) as error:
        raise UndecodableError(f"this is no PHP value: {error}, at byte {reader.at} of {len(data)}") from error
    if reader.at != len(data):
        raise UndecodableError(f"this is no PHP value: {len(data) - reader.at} bytes follow its end")
    return value


def serialize(value: Any) -> bytes:
    """The bytes that PHP's `unserialize` reads. Lists and tuples become arrays. Raises EncodingError."""
    writer = _Writer()
    writer.write(value, 0)
    return b"".join(writer.parts)


def plain_name(raw: str | bytes | int) -> str:
    """The name of a property without its visibility."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return text.rpartition("\0")[2] if text.startswith("\0") else text


class _Reader:
    def __init__(self, data: bytes, max_values: int) -> None:
        self.data = data
        self.at = 0
        self._left = max_values
        # What a reference may point to: every value but array keys, property names and hard references, in order.
        self._slots: list[Any] = [None]

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        self._left -= 1
        if self._left < 0:
            raise ValueError("it holds too many values")
        kind = self.data[self.at : self.at + 2]
        if kind == b"R:":
            return self._slots[self._reference()]
        slot = len(self._slots)
        self._slots.append(None)
        made = self._made(kind, slot, depth)
        self._slots[slot] = made
        return made

    def _made(self, kind: bytes, slot: int, depth: int) -> Any:
        match kind:
            case b"N;":
                self.at += 2
                return None
            case b"b:":
                return self._bool()
            case b"i:":
                return self._int(b";")
            case b"d:":
                return self._float()
            case b"s:":
                return _text(self._string(b";"))
            case b"a:":
                return self._array(slot, depth)
            case b"O:":
                return self._object(slot, depth)
            case b"E:":
                name, _, case = self._string(b";").decode().partition(":")
                return PhpEnum(name, case)
            case b"C:":
                return self._opaque()
            case b"r:":
                return self._slots[self._reference()]
        raise ValueError(f"{kind!r} begins no value")

    def _bool(self) -> bool:
        text = self.data[self.at : self.at + 4]
        if text not in (b"b:0;", b"b:1;"):
            raise ValueError("a bool is b:0; or b:1;")
        self.at += 4
        return text == b"b:1;"

    def _int(self, end: bytes) -> int:
        found = _INTEGER.match(self.data, self.at + 2)
        if found is None or self.data[found.end() : found.end() + 1] != end:
            raise ValueError("a whole number is wanted")
        number = int(found[0])
        if number not in _INT64:
            raise ValueError("a whole number is longer than 64 bits")
        self.at = found.end() + 1
        return number

    def _float(self) -> float:
        found = _FLOAT.match(self.data, self.at + 2)
        if found is None:
            raise ValueError("a number is wanted")
        self.at = found.end()
        return float(found[1])

    def _size(self) -> int:
        size = self._int(b":")
        if not 0 <= size <= len(self.data) - self.at:
            raise ValueError(f"its length {size} is more than what follows")
        return size

    def _string(self, end: bytes) -> bytes:
        size = self._size()
        begin, stop = self.at + 1, self.at + 1 + size
        if self.data[self.at : begin] != b'"' or self.data[stop : stop + 1 + len(end)] != b'"' + end:
            raise ValueError("a text is not as long as it says")
        self.at = stop + 1 + len(end)
        return self.data[begin:stop]

    def _array(self, slot: int, depth: int) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        self._slots[slot] = made
        self._members(made, depth)
        return made

    def _object(self, slot: int, depth: int) -> PhpObject:
        made = PhpObject(self._string(b":").decode())
        self._slots[slot] = made
        # The members begin with their number, as those of an array do after its letter.
        self.at -= 2
        self._members(made.properties, depth)
        return made

    def _members(self, made: dict[Any, Any], depth: int) -> None:
        size = self._size()
        self._expect(b"{")
        for _ in range(size):
            kind = self.data[self.at : self.at + 2]
            if kind == b"i:":
                key: Any = self._int(b";")
            elif kind == b"s:":
                key = _text(self._string(b";"))
            else:
                raise ValueError(f"{kind!r} begins no key")
            made[key] = self.value(depth + 1)
        self._expect(b"}")

    def _opaque(self) -> PhpOpaque:
        name = self._string(b":").decode()
        self.at -= 2
        size = self._size()
        self._expect(b"{")
        data = self.data[self.at : self.at + size]
        self.at += size
        self._expect(b"}")
        return PhpOpaque(name, data)

    def _reference(self) -> int:
        number = self._int(b";")
        if not 0 < number < len(self._slots):
            raise ValueError(f"it refers to value {number}, which has not come yet")
        return number

    def _expect(self, sign: bytes) -> None:
        if self.data[self.at : self.at + 1] != sign:
            raise ValueError(f"{sign.decode()} is wanted")
        self.at += 1


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


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _int(number: int) -> bytes:
    if number not in _INT64:
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
    if as_array and isinstance(key, str) and _KEY_NUMBER.match(key) and int(key) in _INT64:
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
