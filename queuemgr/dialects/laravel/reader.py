"""PHP's `unserialize` over plain data. What is read is bounded in depth and number of values; nothing is run.

Members that are as most of them are, plain values and empty ones, are read at once; the rest goes sign by sign, and
knows all that PHP can write. It writes nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from queuemgr.errors import UndecodableError

from .objects import INT64, MAX_DEPTH, PhpEnum, PhpObject, PhpOpaque

MAX_VALUES = 1_000_000

_INTEGER = re.compile(rb"-?\d{1,19}(?=[;:])|\+\d{1,18}(?=;)")
_FLOAT = re.compile(rb"(-?INF|NAN|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?);")
_OBJECT = re.compile(rb'O:(\d{1,4}):"([^"]*)":(\d{1,9}):\{')
# A member as most of them are: its name or number, and a plain value or the beginning of an array. A text with a quote
# in it does not match rightly, which its length tells.
_MEMBER = re.compile(
    rb'(?:s:(\d{1,9}):"([^"]*)"|i:(-?\d{1,18}));'
    rb'(?:(N);|s:(\d{1,9}):"([^"]*)";|i:(-?\d{1,18});|b:([01]);|a:(\d{1,9}):\{)'
)
# Members without a value, as Laravel adds many to every job.
_EMPTY = re.compile(rb'(?:s:\d{1,2}:"[^"]{1,99}";(?:N;|a:0:\{\})){1,64}')
_EMPTY_MEMBER = re.compile(rb's:(\d{1,2}):"([^"]{1,99})";(N;)?(?:a:0:\{\})?')


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
        slot = len(self._slots)
        if kind == b"O:" and (head := _OBJECT.match(self.data, self.at)) and len(head[2]) == int(head[1]):
            made = PhpObject(head[2].decode())
            self._slots.append(made)
            self.at = head.end()
            self._rest(made.properties, int(head[3]), depth)
            return made
        if kind == b"R:":
            return self._slots[self._reference()]
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
        if number not in INT64:
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
        self._rest(made, size, depth)

    def _rest(self, made: dict[Any, Any], left: int, depth: int) -> None:
        while left > 0:
            left -= 1
            found = _MEMBER.match(self.data, self.at)
            if found is None or self._left < 1 or depth == MAX_DEPTH or not self._plain(made, found, depth):
                self._member(made, depth)
            elif left and found[4] is not None:
                left -= self._empty(made, left)
        self._expect(b"}")

    def _plain(self, made: dict[Any, Any], found: re.Match[bytes], depth: int) -> bool:
        """Read one member from the match; False where it is not what it looks like."""
        size, name, place, nothing, length, text, number, flag, count = found.groups()
        if (name is not None and int(size) != len(name)) or (text is not None and int(length) != len(text)):
            return False
        value: Any = None
        if text is not None:
            value = _text(text)
        elif number is not None:
            value = int(number)
        elif count is not None:
            value = {}
        elif nothing is None:
            value = flag == b"1"
        made[int(place) if name is None else _text(name)] = value
        self._slots.append(value)
        self._left -= 1
        self.at = found.end()
        if count is not None:
            self._rest(value, int(count), depth + 1)
        return True

    def _empty(self, made: dict[Any, Any], most: int) -> int:
        """Read members without a value, as long as they follow one another; how many they were."""
        run = _EMPTY.match(self.data, self.at)
        if run is None:
            return 0
        names, arrays, number = _empty_members(run[0])
        if not 0 < number <= min(most, self._left):
            return 0
        made.update(names)
        for name in arrays:
            made[name] = {}
        self.at = run.end()
        self._left -= number
        self._slots += map(made.__getitem__, names)
        return number

    def _member(self, made: dict[Any, Any], depth: int) -> None:
        kind = self.data[self.at : self.at + 2]
        if kind == b"i:":
            key: Any = self._int(b";")
        elif kind == b"s:":
            key = _text(self._string(b";"))
        else:
            raise ValueError(f"{kind!r} begins no key")
        made[key] = self.value(depth + 1)

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


@lru_cache(maxsize=256)
def _empty_members(run: bytes) -> tuple[dict[Any, None], tuple[Any, ...], int]:
    """The names of members without a value, which of them are empty arrays, and how many they are.

    0 where one is not what it looks like, or a name comes twice. The classes of an application are few.
    """
    names: dict[Any, None] = {}
    arrays: list[Any] = []
    found = _EMPTY_MEMBER.findall(run)
    for size, raw, nothing in found:
        name = _text(raw)
        if int(size) != len(raw) or name in names:
            return {}, (), 0
        names[name] = None
        if not nothing:
            arrays.append(name)
    return names, tuple(arrays), len(found)


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
