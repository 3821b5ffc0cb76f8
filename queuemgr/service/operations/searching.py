"""Reads what somebody types into a search box: `state:dead queue:mail args.user_id:42 "no address"`.

What the store can answer becomes a query; the rest is looked for in bounded steps (looking.py). It asks no store.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from queuemgr.errors import did_you_mean
from queuemgr.job import State
from queuemgr.service.failures import Misused
from queuemgr.store import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d|w)")
_WORD = re.compile(r"(args(?:\.[^\s:]+)?|[a-z]+):(.*)", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WORDS = ("state", "queue", "task", "tag", "worker", "error", "id", "after", "before", "args.NAME")
_NAMES = tuple(word.removesuffix(".NAME") for word in WORDS)


@dataclass(frozen=True, slots=True)
class Rest:
    """What no index answers: `args` as (path, text), and words that stand in the error, task, id or tags."""

    args: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.args or self.words)


def parse_search(text: str, now: float) -> tuple[Query, Rest]:
    """`now` is the moment from which `after:1h` counts back. Raises Misused, which says what was not understood."""
    found: dict[str, Any] = {}
    args: list[tuple[str, str]] = []
    words: list[str] = []
    for word in _split(text):
        match = _WORD.fullmatch(word)
        if match is None:
            _add(found, "ids", (word,)) if _ID.fullmatch(word) else words.append(word.lower())
        elif match[1].startswith("args"):
            args.append(_argument(match[1], match[2]))
        else:
            _add(found, *_field(match[1], match[2], now))
    return Query(**found), Rest(tuple(args), tuple(words))


def merged(query: Query, parsed: Query) -> Query:
    """Both together. Raises Misused where no job can fit both."""
    changed: dict[str, Any] = {}
    for field in fields(Query):
        asked, more = getattr(query, field.name), getattr(parsed, field.name)
        if more in ((), None) or asked == more:
            continue
        changed[field.name] = more if asked in ((), None) else _both(field.name, asked, more)
    return replace(query, **changed)


def query_of(query: Query, search: str, now: float) -> Query:
    """For changes: all that the search asks for must be in the query. Raises Misused."""
    if not search.strip():
        return query
    parsed, rest = parse_search(search, now)
    if rest and not query.ids:
        what = f"args.{rest.args[0][0]}" if rest.args else f"the word {rest.words[0]!r}"
        raise Misused(
            f"{what} can be looked for, but not changed by: it would take a look at every job",
            "look for the jobs with jobs.list, and give their ids",
        )
    return merged(query, parsed)


def _split(text: str) -> list[str]:
    reader = shlex.shlex(text, posix=True, punctuation_chars=False)
    reader.whitespace_split, reader.commenters, reader.escape = True, "", ""
    try:
        return list(reader)
    except ValueError:
        raise Misused(
            f"the search {text!r} has a quotation mark without its partner", 'close it: error:"no address"'
        ) from None


def _argument(name: str, text: str) -> tuple[str, str]:
    path = name.removeprefix("args").removeprefix(".")
    if not text:
        raise Misused(f"{name}: looks for nothing", f"write for example {name or 'args.user_id'}:42")
    return path, text


def _field(name: str, text: str, now: float) -> tuple[str, Any]:
    if name not in _NAMES:
        raise Misused(
            f"nothing can be searched by '{name}:': {did_you_mean(name, _NAMES)}",
            f"write it in quotes to search for it as text, or use {', '.join(WORDS)}",
        )
    if not text:
        raise Misused(f"{name}: looks for nothing", f"write {name}:SOMETHING")
    match name:
        case "state":
            return "states", _states(text)
        case "id":
            return "ids", tuple(text.split(","))
        case "after" | "before":
            return f"created_{name}", _moment(text, now)
    return name, text


def _states(text: str) -> tuple[State, ...]:
    states = {state.word: state for state in State}
    for word in text.split(","):
        if word not in states:
            raise Misused(f"state:{word} is no state: {did_you_mean(word, states)}", f"states: {', '.join(states)}")
    return tuple(dict.fromkeys(states[word] for word in text.split(",")))


def _moment(text: str, now: float) -> float:
    if found := _SPAN.fullmatch(text):
        return now - float(found[1]) * _UNITS[found[2]]
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise Misused(
            f"{text!r} is no time", "write how long ago (90s, 15m, 2h, 3d) or a date: 2026-12-01, 2026-12-01T10:30"
        ) from None


def _add(found: dict[str, Any], field: str, value: Any) -> None:
    found[field] = _both(field, found[field], value) if field in found else value


def _both(field: str, first: Any, second: Any) -> Any:
    match field:
        case "states" | "ids":
            return _common(field, first, second)
        case "created_after":
            return max(first, second)
        case "created_before":
            return min(first, second)
    if first != second:
        raise Misused(f"no job can have {field} {first!r} and {second!r} at once", f"leave one {field}: away")
    return first


def _common(field: str, first: Sequence[Any], second: Sequence[Any]) -> tuple[Any, ...]:
    both = tuple(one for one in first if one in second)
    if both:
        return both
    words = [", ".join(one.word if isinstance(one, State) else str(one) for one in many) for many in (first, second)]
    raise Misused(f"no job is both in {words[0]} and in {words[1]}", f"leave one {field.removesuffix('s')}: away")
