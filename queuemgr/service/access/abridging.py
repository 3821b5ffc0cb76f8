"""What is kept of an operation's arguments and answer in the audit list: little, and nothing secret. It writes nothing.

The arguments of a job are left out altogether: the job itself has them, where what is secret is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from queuemgr.address import shown_url
from queuemgr.errors import BadArguments, EncodingError, ValidationError
from queuemgr.job import State
from queuemgr.secret import DOTS, Secret
from queuemgr.service.operations.request import Request
from queuemgr.typetags import SECRET

MOST_TEXT = 200
MOST_ITEMS = 20
MOST_DEPTH = 4
MOST_BYTES = 4096

_SECRET_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|api_?key|private_?key|authorization|cookie"
    r"|(?:^|_)(?:card|cvv|pin)(?:_|$)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(https?://)(?:[^/?#\s@]*@)?([^/?#\s]+)\S*")
_OF_A_JOB = frozenset({"params", "positional", "named", "arguments", "args", "kwargs"})
# What holds arguments of a job among others.
_HOLDING = frozenset({"request", "requests"})
# What tells one answer from another; everything else can be looked up.
_TELLING = (
    "id",
    "job_id",
    "changed",
    "verb",
    "existing",
    "pruned",
    "removed",
    "schedule",
    "queues",
    "paused",
    "status",
)


def abridged(operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data of at most MOST_BYTES."""
    kept: dict[str, Any] = _mapping(arguments, 0)
    return _bounded(kept, operation)


def outcome_of(operation: str, answer: object) -> dict[str, Any]:
    """{"ok": true} and a few facts, or {"ok": false, "error", "message"}."""
    if isinstance(answer, BaseException):
        kind = type(answer).__name__
        return {"ok": False, "error": kind, "message": _without_logins(_reason(answer))[:MOST_TEXT]}
    told = {name: answer[name] for name in _TELLING if name in answer} if isinstance(answer, Mapping) else {}
    return {"ok": True, **_bounded({name: _shown(value, 1) for name, value in told.items()}, operation)}


def _reason(error: BaseException) -> str:
    """Its words, or nothing where they may quote what is not kept of the arguments."""
    match error:
        case BadArguments(reason=reason):
            return str(reason)
        case EncodingError():
            return ""
        case ValidationError(field=str(field)) if field in _OF_A_JOB | _HOLDING or _SECRET_NAME.search(field):
            return ""
    return str(error)


def _shown(value: Any, depth: int, name: str = "") -> Any:
    if _SECRET_NAME.search(name) or isinstance(value, Secret):
        return DOTS
    match value:
        case State():
            return value.word
        case None | bool() | int() | float():
            return value
        case str():
            text = _without_logins(value)
            return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}… ({len(value):,} characters)"
        case Request():
            return _request(value)
        case Mapping() if value.get("$") == SECRET:
            return DOTS
        case Mapping():
            return _mapping(value, depth)
        case list() | tuple() | set() | frozenset():
            return _items(list(value), depth)
        case bytes() | bytearray():
            return f"{len(value):,} bytes"
    return _shown(_plain(value), depth, name)


def _mapping(value: Mapping[Any, Any], depth: int) -> Any:
    if depth >= MOST_DEPTH:
        return f"{len(value):,} values"
    items = [(str(key)[:MOST_TEXT], item) for key, item in list(value.items())[:MOST_ITEMS]]
    kept = {key: _left_out(item) if key in _OF_A_JOB else _shown(item, depth + 1, key) for key, item in items}
    return kept if len(value) <= MOST_ITEMS else kept | {"…": f"{len(value) - MOST_ITEMS:,} more"}


def _items(value: list[Any], depth: int) -> Any:
    if depth >= MOST_DEPTH:
        return f"{len(value):,} values"
    kept = [_shown(item, depth + 1) for item in value[:MOST_ITEMS]]
    return kept if len(value) <= MOST_ITEMS else [*kept, f"… {len(value) - MOST_ITEMS:,} more"]


def _request(request: Request) -> dict[str, Any]:
    kept = {"task": request.task[:MOST_TEXT], "options": _shown(request.options, 1)}
    return kept | {"positional": _left_out(request.positional), "named": _left_out(request.named)}


def _left_out(value: Any) -> Any:
    """Of a job's own arguments their number, or their names."""
    if isinstance(value, Mapping):
        return [str(name)[:MOST_TEXT] for name in list(value)[:MOST_ITEMS]]
    return len(value) if isinstance(value, (list, tuple)) else DOTS


def _plain(value: Any) -> Any:
    """A dataclass or a struct as a dict without what was not given; of anything else its type."""
    names = getattr(type(value), "__dataclass_fields__", None) or getattr(value, "__struct_fields__", None)
    if names is None:
        return type(value).__name__
    given = {name: getattr(value, name, None) for name in names}
    return {name: item for name, item in given.items() if item is not None and item != ()}


def _without_logins(text: str) -> str:
    """Addresses without passwords; those of the web without their paths, which are secrets where hooks are called."""
    return shown_url(_ADDRESS.sub(r"\1\2/…", text)) if "://" in text else text


def _bounded(kept: dict[str, Any], operation: str) -> dict[str, Any]:
    try:
        data = msgspec.json.encode(kept)
    except (UnicodeEncodeError, ValueError, TypeError, RecursionError):
        return {"…": f"the arguments of {operation} cannot be written"}
    if len(data) <= MOST_BYTES:
        return kept
    return {"…": f"{len(data):,} bytes, of which the names are left", "names": list(kept)[:MOST_ITEMS]}
