"""Between the arguments of a task, as the JSON codec writes them, and what Laravel's jobs are made of.

PHP's text that is no UTF-8, its arrays with numbers as keys and its infinite numbers take the codec's own tags, so that
they come back as they were. An object becomes a dict with its class under `__class__`. No class is looked up here.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from math import isfinite
from typing import Any

import msgspec

from queuemgr.errors import BadArguments, UndecodableError

from .php import PhpEnum, PhpObject, PhpOpaque, plain_name

CLASS = "__class__"
MAX_VALUES = 1_000_000

# What Laravel itself keeps in a job's object; the rest are the job's own properties.
FRAMEWORK = frozenset(
    (
        *("job", "connection", "queue", "delay", "afterCommit", "middleware", "messageGroup", "deduplicator"),
        *("chained", "chainConnection", "chainQueue", "chainCatchCallbacks", "batchId", "fakeBatch"),
        *("tries", "maxExceptions", "backoff", "timeout", "failOnTimeout", "retryUntil", "deleteWhenMissingModels"),
        *("uniqueFor", "uniqueId", "uniqueLockOwner", "shouldBeEncrypted"),
    )
)


_AS_THEY_ARE = frozenset((str, int, bool, type(None)))
_TEXT = frozenset((str,))
_write = msgspec.json.Encoder().encode


def arguments_of(command: PhpObject) -> bytes:
    """The properties of a job's object as named arguments. Raises UndecodableError where they cannot be written."""
    plain = _Taken().plain
    return _arguments(
        {name: value if type(value) in _AS_THEY_ARE else plain(value, 1) for name, value in own_of(command).items()}
    )


def own_of(command: PhpObject) -> dict[str, Any]:
    """The job's own properties, by their names without visibility."""
    own = {}
    for raw, value in command.properties.items():
        if raw not in FRAMEWORK and (name := plain_name(raw)) not in FRAMEWORK:
            own[name] = value
    return own


def arguments_of_data(data: bytes) -> bytes:
    """The data of a string job as the one argument. Its bytes stay as they are."""
    if b'"$"' not in data:
        return b"[[" + data + b"]]"
    return b"[[" + msgspec.json.encode(_shield(msgspec.json.decode(data))) + b"]]"


def named_of_data(data: bytes) -> bytes:
    """The data that one of our producers wrote, as named arguments."""
    return b"[[]," + data + b"]"


def command_of(name: str, args: bytes) -> PhpObject:
    """The object of a job with these arguments as its properties. Raises BadArguments."""
    positional, named = split(args)
    if positional:
        raise BadArguments(
            f"{name}: a job of Laravel's knows its properties by name; name every argument, as in enqueue(to=...)"
        )
    if taken := FRAMEWORK & named.keys():
        raise BadArguments(f"{name}: {min(taken)!r} means something to Laravel itself; give the argument another name")
    values: dict[str | bytes | int, Any] = {key: _from_tags(msgspec.json.decode(value)) for key, value in named.items()}
    return PhpObject(name, values)


def data_of(name: str, args: bytes) -> tuple[bytes, bool]:
    """The data of a string job, and whether they are named arguments. Raises BadArguments."""
    positional, named = split(args)
    if len(positional) == 1 and not named:
        return positional[0], False
    if positional:
        raise BadArguments(f"{name}: Laravel hands one value to it; pass one argument, or name all of them")
    return b"{" + b",".join(msgspec.json.encode(key) + b":" + value for key, value in named.items()) + b"}", True


def split(args: bytes) -> tuple[list[bytes], dict[str, bytes]]:
    """The encoded arguments, each by itself. Raises BadArguments for another format than JSON."""
    try:
        parts = msgspec.json.decode(args, type=list[msgspec.Raw])
        positional = msgspec.json.decode(parts[0], type=list[msgspec.Raw])
        named = msgspec.json.decode(parts[1], type=dict[str, msgspec.Raw]) if len(parts) > 1 else {}
    except (msgspec.MsgspecError, IndexError, UnicodeDecodeError) as error:
        raise BadArguments("Laravel's jobs are JSON; make the app with format='json'") from error
    return [bytes(part) for part in positional], {name: bytes(value) for name, value in named.items()}


def _arguments(named: dict[str, Any]) -> bytes:
    try:
        return _write(([], named))
    except (ValueError, TypeError, RecursionError) as error:
        raise UndecodableError(f"the properties of the job cannot be handed over: {error}") from error


class _Taken:
    """Turns PHP values into what the codec reads. What is shared is written out; the number is bounded."""

    def __init__(self) -> None:
        self._left = MAX_VALUES
        self._open: set[int] = set()

    def plain(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > 90:
            raise UndecodableError("the properties of the job are too many or too deeply nested")
        if type(value) in _AS_THEY_ARE:
            return value
        match value:
            case bytes():
                return {"$": "bytes", "v": b64encode(value).decode()}
            case float() if not isfinite(value):
                return {"$": "float", "v": str(value)}
            case dict() | PhpObject():
                return self._members(value, depth)
            case PhpEnum(name, case):
                return {CLASS: name, "case": case}
            case PhpOpaque(name, data):
                return {CLASS: name, "data": self.plain(data, depth + 1)}
        return value

    def _members(self, value: dict[Any, Any] | PhpObject, depth: int) -> Any:
        if id(value) in self._open:
            raise UndecodableError("the properties of the job contain themselves")
        self._open.add(id(value))
        try:
            if isinstance(value, PhpObject):
                inner = {plain_name(raw): self.plain(part, depth + 1) for raw, part in value.properties.items()}
                return {CLASS: value.name, **inner}
            return self._array(value, depth)
        finally:
            self._open.discard(id(value))

    def _array(self, value: dict[Any, Any], depth: int) -> Any:
        is_list, parts = not value or (0 in value and list(value) == list(range(len(value)))), value.values()
        if depth < 90 and len(value) <= self._left and _AS_THEY_ARE.issuperset(map(type, parts)):
            self._left -= len(value)
            if is_list:
                return list(parts)
            if "$" not in value and _TEXT.issuperset(map(type, value)):
                return value
        if is_list:
            return [self.plain(part, depth + 1) for part in parts]
        pairs = [(self.plain(key, depth), self.plain(part, depth + 1)) for key, part in value.items()]
        if _TEXT.issuperset(map(type, value)) and ("$" not in value or _is_tag(value)):
            return dict(pairs)
        return {"$": "dict", "v": pairs}


def _is_tag(value: dict[Any, Any]) -> bool:
    return isinstance(value.get("$"), str) and "v" in value


def _shield(node: Any) -> Any:
    """Plain JSON that the codec must not take for its own tags, marked as the dicts that they are."""
    match node:
        case list():
            return [_shield(part) for part in node]
        case dict() if "$" in node and not _is_tag(node):
            return {"$": "dict", "v": [(key, _shield(part)) for key, part in node.items()]}
        case dict():
            return {key: _shield(part) for key, part in node.items()}
    return node


def _from_tags(node: Any) -> Any:
    """The codec's plain form, with what PHP can say by itself put in PHP's own words. Other tags stay arrays."""
    match node:
        case {"$": "bytes", "v": str(text), **rest} if not rest:
            return _text(node, text)
        case {"$": "float", "v": str(text), **rest} if not rest:
            return float(text)
        case {"$": "dict", "v": list(pairs), **rest} if not rest and _fits_an_array(pairs):
            return {key: _from_tags(part) for key, part in pairs}
        case dict():
            return {key: _from_tags(part) for key, part in node.items()}
        case list():
            return [_from_tags(part) for part in node]
    return node


def _text(node: Any, coded: str) -> Any:
    try:
        return b64decode(coded, validate=True).decode()
    except UnicodeDecodeError:
        # JSON, in which a command travels, has no form for it.
        return node


def _fits_an_array(pairs: list[Any]) -> bool:
    """Whether PHP's array says the same as this dict, and will not be taken for a tag when it comes back."""
    keys = [key for key, _ in pairs]
    return "$" not in keys and all(isinstance(key, (str, int)) and not isinstance(key, bool) for key in keys)
