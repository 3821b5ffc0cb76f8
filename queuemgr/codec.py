"""Arguments and results to bytes and back, unchanged: what would come back as something else is refused.

Plain values are written as natural JSON or MessagePack; every other one as {"$": type, "v": plain form}.
This module neither imports nor runs anything that the bytes name.
"""

from __future__ import annotations

import os
from itertools import chain
from math import isfinite
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any

import msgspec

from .errors import ConfigError, EncodingError, UndecodableError
from .secret import Secret
from .typetags import CALL, READERS, SECRET, WRITERS, ZONED, Refused, Types, bytes_to_text, is_registrable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["MAX_DEPTH", "Codec", "Types"]

MAX_DEPTH = 100

# A process may refuse to read ints of more than 640 digits; below that, JSON's ints give way to hex.
_DIGITS = 300
_LONGEST = 10 ** (2 * _DIGITS)

_MOST_AT_ONCE = 200_000  # values that are looked at together; a list that contains itself would not end

_ATOMS = frozenset({type(None), bool, int, str})


class Codec:
    """Encodes and decodes in one format, "json" or "msgpack". It keeps nothing and may be shared by threads.

    `types` is the allow-list of classes; without one, only built-in types cross the wire.
    Raises ConfigError for another format.
    """

    def __init__(self, format: str = "json", types: Types | None = None) -> None:  # noqa: A002 - names the option
        self.format = format
        self.types = Types() if types is None else types
        self._read: Callable[[bytes], Any]
        self._write_items: Callable[[Any], bytes]
        match format:
            case "json":
                encoder = msgspec.json.Encoder()
                self._write, self._write_items = encoder.encode, encoder.encode_lines
                self._read = msgspec.json.Decoder().decode
                self._mark, native = b'"$"', _ATOMS
            case "msgpack":
                self._write = write = msgspec.msgpack.Encoder().encode
                self._write_items = lambda values: b"".join(map(write, values))
                self._read = msgspec.msgpack.Decoder(ext_hook=_refuse_extension).decode
                self._mark, native = b"\xa1$", _ATOMS | {float, bytes}
            case _:
                raise ConfigError(f"there is no format {format!r}; choose 'json' or 'msgpack'")
        self._is_plain = _plain_check(native)
        self._are_native = native.issuperset
        self._are_plain = _plain_rows_check(native)
        self._tagger = _Tagger(self, native)
        # Long ints and lone surrogates are rare and dear to look for: only a failed write leads to a search.
        self._careful_tagger = _Tagger(self, native - {int, str})

    def encode(self, value: object, name: str = "argument") -> bytes:
        """The bytes of `value`.

        Raises EncodingError, which names the part that cannot travel by its path, with `name` for the whole.
        """
        return self._encode(value, name, self._write)

    def encode_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """The arguments of a call as `[positional]` or `[positional, named]`. Raises EncodingError."""
        if not kwargs and self._are_native(map(type, args)):
            try:
                data = self._write((args,))
                if len(data) < 2 * _DIGITS:
                    return data
            except (ValueError, OverflowError):
                pass
        return self.encode([list(args), kwargs] if kwargs else [list(args)], CALL)

    def encode_calls(self, rows: Sequence[tuple[Any, ...]]) -> list[bytes]:
        """`encode_call` of the positional arguments of many calls. Raises EncodingError."""
        if self._are_native(map(type, chain.from_iterable(rows))):
            write = self._write
            try:
                many = [write((args,)) for args in rows]
                if max(map(len, many), default=0) < 2 * _DIGITS:
                    return many
            except (ValueError, OverflowError):
                pass
        return [self.encode_call(args, {}) for args in rows]

    def encode_items(self, values: list[Any], name: str = "argument") -> bytes:
        """The values one after another: each a line of JSON, or MessagePack end to end. Raises EncodingError."""
        return self._encode(values, name, self._write_items, plain=len(values) > 1 and self._are_plain(values))

    def _encode(self, value: object, name: str, write: Callable[[Any], bytes], *, plain: bool = False) -> bytes:
        try:
            data = write(value if plain or self._is_plain(value, 0) else self._tagger.tag(value, 0))
            if len(data) < 2 * _DIGITS or not _may_hold_long_number(data):
                return data
        except Refused as refusal:
            raise EncodingError(refusal.sentence(name)) from None
        except (ValueError, OverflowError, RecursionError):
            pass
        return self._encode_carefully(value, name, write)

    def _encode_carefully(self, value: object, name: str, write: Callable[[Any], bytes] | None = None) -> bytes:
        try:
            return (write or self._write)(self._careful_tagger.tag(value, 0))
        except Refused as refusal:
            raise EncodingError(refusal.sentence(name)) from None
        except (ValueError, OverflowError, RecursionError) as error:
            raise EncodingError(
                f"{name} cannot be written as {self.format} ({error}); send a smaller or flatter form of it"
            ) from error

    def decode(self, data: bytes) -> Any:
        """The value that `encode` was given. Raises UndecodableError for any other bytes."""
        try:
            value = self._read(data)
            if self._mark in data and (type(value) is dict or type(value) is list):
                return _untag(value, self.types)
            return value
        except UndecodableError:
            raise
        except Exception as error:
            raise UndecodableError(
                f"{len(data)} bytes cannot be read as {self.format} ({type(error).__name__}: {error}); "
                "they are damaged, in another format, or from another version of the classes they hold"
            ) from error

    def decode_items(self, data: bytes, count: int) -> list[Any]:
        """The `count` values that `encode_items` was given. Raises UndecodableError."""
        values: list[Any] = self.decode(self.as_list(data, count))
        return values

    def as_list(self, data: bytes, count: int) -> bytes:
        """What `encode` makes of the list whose `count` values are `data`, as `encode_items` wrote them."""
        if self.format == "msgpack":
            return b"\xdd" + count.to_bytes(4, "big") + data
        return b"[" + data[:-1].replace(b"\n", b",") + b"]"


def _plain_check(native: frozenset[type]) -> Callable[[Any, int], bool]:
    """A test whether a value can be written as it is."""
    are_native = native.issuperset
    are_str = frozenset({str}).issuperset

    def is_plain(value: Any, depth: int) -> bool:
        cls = type(value)
        if cls is dict:
            if "$" in value or not are_str(map(type, value)):
                return False
            value = value.values()
        elif cls is not list:
            return cls in native or (cls is float and isfinite(value))
        if depth == MAX_DEPTH:
            return False
        if are_native(map(type, value)):
            return True
        depth += 1
        for item in value:
            cls = type(item)
            if cls not in native and not (isfinite(item) if cls is float else is_plain(item, depth)):
                return False
        return True

    return is_plain


def _plain_rows_check(native: frozenset[type]) -> Callable[[list[Any]], bool]:
    """The same for many values of one form: level by level, which is faster for them than one after another."""
    known = native | {float, dict, list}

    def are_plain(level: list[Any]) -> bool:
        for _ in range(MAX_DEPTH):
            kinds = set(map(type, level))
            if not kinds <= known or len(level) > _MOST_AT_ONCE:
                return False
            if float in kinds and float not in native and not all(map(isfinite, _of(float, level, kinds))):
                return False
            dicts, lists = _of(dict, level, kinds), _of(list, level, kinds)
            if not dicts and not lists:
                return True
            names = set(chain.from_iterable(dicts))
            if "$" in names or not {str}.issuperset(map(type, names)):
                return False
            level = [*chain.from_iterable(map(dict.values, dicts)), *chain.from_iterable(lists)]
        return False

    return are_plain


def _of(kind: type, values: list[Any], kinds: set[type]) -> list[Any]:
    """Those of one type; `kinds` are the types that there are."""
    if kind not in kinds:
        return []
    return values if len(kinds) == 1 else [value for value in values if type(value) is kind]


def _may_hold_long_number(data: bytes) -> bool:
    """False only if no run of 2 * _DIGITS digits is in `data`, for such a run covers one of these blocks."""
    return any(data[start : start + _DIGITS].isdigit() for start in range(0, len(data), _DIGITS))


class _Tagger:
    """Rewrites a value into what is native to the format; values of the types `as_they_are` stay."""

    def __init__(self, codec: Codec, as_they_are: frozenset[type]) -> None:
        self._types = codec.types
        self._write = codec._write
        self._as_they_are = as_they_are
        binary = codec.format == "msgpack"
        self._longest = (-(1 << 63), (1 << 64) - 1) if binary else (-_LONGEST, _LONGEST)
        write_bytes: Callable[[Any], Any] = bytes if binary else bytes_to_text
        self._taggers: dict[type, Callable[[Any, int], Any]] = {
            dict: self._tag_dict,
            list: self._tag_items,
            tuple: lambda value, depth: {"$": "tuple", "v": self._tag_items(value, depth)},
            set: lambda value, depth: {"$": "set", "v": self._tag_set(value, depth)},
            frozenset: lambda value, depth: {"$": "frozenset", "v": self._tag_set(value, depth)},
            Secret: lambda value, depth: {"$": SECRET, "v": self.tag(value.reveal(), depth)},
            str: self._tag_str,
            int: self._tag_int,
            float: lambda value, depth: value if isfinite(value) else {"$": "float", "v": str(value)},
            bytes: lambda value, depth: {"$": "bytes", "v": write_bytes(value)},
            bytearray: lambda value, depth: {"$": "bytearray", "v": write_bytes(value)},
            **{cls: _tagged(tag, write) for cls, (tag, write) in WRITERS.items()},
        }

    def tag(self, value: Any, depth: int) -> Any:
        cls = type(value)
        if cls in self._as_they_are:
            return value
        if (tagger := self._taggers.get(cls)) is not None:
            return tagger(value, depth)
        if (shape := self._types.of(cls)) is None:
            raise Refused(_why_not(value, cls, self._taggers))
        state = shape.take_apart(value)
        return {"$": shape.name, "v": (self._tag_fields if type(state) is dict else self.tag)(state, depth)}

    def _tag_at(self, step: str, place: object, value: Any, depth: int) -> Any:
        try:
            return self.tag(value, depth)
        except Refused as refusal:
            refusal.path.append(step.format(short_repr(place)))
            raise

    def _tag_items(self, values: Iterable[Any], depth: int) -> list[Any]:
        _check_depth(depth)
        as_they_are = self._as_they_are
        return [
            item if type(item) in as_they_are else self._tag_at("[{}]", index, item, depth + 1)
            for index, item in enumerate(values)
        ]

    def _tag_set(self, values: Iterable[Any], depth: int) -> list[Any]:
        # Sorted, so that equal sets give equal bytes in every process.
        return sorted(self._tag_items(values, depth), key=self._write)

    def _tag_dict(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        _check_depth(depth)
        as_they_are = self._as_they_are
        escaped = "$" in value
        pairs = []
        for key, item in value.items():
            escaped = escaped or type(key) is not str
            pairs.append(
                (
                    key if type(key) in as_they_are else self._tag_at("[key {}]", key, key, depth + 1),
                    item if type(item) in as_they_are else self._tag_at("[{}]", key, item, depth + 1),
                )
            )
        return {"$": "dict", "v": pairs} if escaped else dict(pairs)

    def _tag_fields(self, state: dict[str, Any], depth: int) -> dict[str, Any]:
        _check_depth(depth)
        return {name: self._tag_at(f".{name}", name, value, depth + 1) for name, value in state.items()}

    def _tag_int(self, value: int, _: int) -> Any:
        least, most = self._longest
        return value if least <= value <= most else {"$": "int", "v": hex(value)}

    def _tag_str(self, value: str, _: int) -> str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Refused(
                f"is a str with a lone surrogate at position {error.start}, which no encoding can carry; "
                "send bytes instead, or clean it with .encode(errors='replace').decode()"
            ) from None
        return value


def _tagged(tag: str, write: Callable[[Any], dict[str, Any]]) -> Callable[[Any, int], dict[str, Any]]:
    return lambda value, _: {"$": tag, **write(value)}


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise Refused(f"is nested deeper than {MAX_DEPTH} levels, or contains itself; send a flat form of it")


def _why_not(value: object, cls: type, known: Iterable[type]) -> str:
    what = f"is {'an' if cls.__name__[:1] in 'AEIOUaeiou' else 'a'} {cls.__name__}"
    if is_registrable(cls):
        return (
            f"{what}, which is not registered; "
            f"send its id instead, or register its class with app.register_type({cls.__name__})"
        )
    if isinstance(value, os.PathLike):
        return f"{what}, which means nothing on another machine; send str(path) instead"
    for base in cls.__mro__[1:]:
        if base in known:
            plain = base.__name__
            return f"{what}, which would come back as a plain {plain}; send a plain {plain} instead"
    return (
        f"{what}, which cannot be written as bytes; send its id instead, "
        "or make it a dataclass and register its class with app.register_type(...)"
    )


def _untag(node: Any, types: Types) -> Any:
    """Replace the tagged objects in a freshly read list or dict, in place where it stays one."""
    if type(node) is list:
        for index, item in enumerate(node):
            if type(item) is dict or type(item) is list:
                node[index] = _untag(item, types)
    elif "$" in node:
        return _rebuild(node, types)
    else:
        for key, item in node.items():
            if type(item) is dict or type(item) is list:
                node[key] = _untag(item, types)
    return node


def _rebuild(node: dict[str, Any], types: Types) -> Any:
    """The value that a tagged object stands for."""
    tag = node.pop("$")
    plain = node.pop("v")
    if node and tag not in ZONED:
        raise ValueError(f"the tag {tag!r} has members that are not known")
    if (read := READERS.get(tag)) is not None:
        return read(plain, **node)
    if type(plain) is dict or type(plain) is list:
        plain = _untag(plain, types)
    if tag == SECRET:
        return Secret(plain)
    if (build := _CONTAINERS.get(tag)) is not None:
        if type(plain) is not list:
            raise TypeError(f"the tag {tag!r} needs a list")
        return build(plain)
    if (shape := types.named(tag)) is None:
        raise UndecodableError(_why_unknown(tag))
    return shape.put_together(plain)


_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
}


def _why_unknown(tag: str) -> str:
    if tag.startswith("__main__:"):
        return (
            f"the bytes hold a {tag!r}, whose class lives in a script that was run directly; "
            "move the class to a module that both processes import"
        )
    return (
        f"the bytes hold a {tag!r}, which is not registered in this process; "
        "import the module that defines it and register its class with app.register_type(...)"
    )


def _refuse_extension(code: int, _: memoryview) -> None:
    raise ValueError(f"it holds a MessagePack extension of type {code}, which has no meaning here")
