"""Keeps answers within a size: long texts and lists are cut, and it is said where the rest is. It asks for nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from queuemgr.service.web.request import encode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from queuemgr.service.facts import Facts

LIMIT = 20_000
"""Bytes of an answer."""
TEXT = 600
"""Characters that a text keeps where the answer is too large."""
_ROOM = 400


class _Long(NamedTuple):
    size: int
    path: tuple[str | int, ...]
    items: list[Any]


def bounded(facts: Facts, parameters: Collection[str] = (), limit: int = LIMIT) -> tuple[Facts, str]:
    """The facts and their JSON of at most `limit` bytes; what was cut stands under "cut", with the way to the rest.

    `parameters` are those of the operation, by which it may be asked for less.
    """
    text = _encoded(facts)
    if len(text) <= limit:
        return facts, text.decode()
    whole, facts = len(text), _with_short_texts(deepcopy(facts))
    cut: dict[str, str] = {}
    while len(text := _encoded(facts)) > limit - _ROOM:
        # A list of one item is emptied only where nothing else is left to cut.
        longest = max(_lists(facts, ()), key=lambda one: (len(one.items) > 1, one.size), default=None)
        if longest is None:
            start = text[: limit // 2].decode(errors="ignore")
            return _told({"cut": f"{whole:,} bytes are too many; this is how they begin", "begins": start})
        _halve(longest, cut)
    lost = "after" in facts and not _go_on_after_what_is_shown(facts, cut)
    way = "ask the same again with a smaller limit: after leads behind what was cut" if lost else _way(parameters)
    return _told(facts | {"cut": {**cut, "whole": f"{whole:,} bytes", "how to get the rest": way}})


def _told(facts: Facts) -> tuple[Facts, str]:
    return facts, _encoded(facts).decode()


def _halve(longest: _Long, cut: dict[str, str]) -> None:
    where = ".".join(map(str, longest.path)) or "answer"
    before = int(cut[where].rpartition(" of ")[2]) if where in cut else len(longest.items)
    del longest.items[len(longest.items) // 2 :]
    cut[where] = f"{len(longest.items)} of {before}"


def _lists(value: Any, path: tuple[str | int, ...]) -> Iterator[_Long]:
    """Every list that has items."""
    match value:
        case dict():
            for name, item in value.items():
                yield from _lists(item, (*path, name))
        case list() if value:
            yield _Long(len(_encoded(value)), path, value)
            for number, item in enumerate(value):
                yield from _lists(item, (*path, number))


def _with_short_texts(value: Any) -> Any:
    match value:
        case str() if len(value) > TEXT:
            return f"{value[:TEXT]}… ({len(value) - TEXT:,} more characters)"
        case dict():
            return {name: _with_short_texts(item) for name, item in value.items()}
        case list() | tuple():
            return [_with_short_texts(item) for item in value]
        case _:
            return value


def _go_on_after_what_is_shown(facts: Facts, cut: Collection[str]) -> bool:
    """The next page begins after the last item that is left. False where items do not tell their positions."""
    for name, items in facts.items():
        if (
            name in cut
            and isinstance(items, list)
            and items
            and isinstance(items[-1], dict)
            and "position" in items[-1]
        ):
            facts["after"] = items[-1]["position"]
            return True
    return not any(isinstance(facts.get(name), list) for name in cut)


def _way(parameters: Collection[str]) -> str:
    if {"limit", "after"} <= {*parameters}:
        return "ask for a smaller limit, and go on with after"
    if {"limit", "offset"} <= {*parameters}:
        return "ask for a smaller limit, and go on with offset"
    return "ask for less: " + (", ".join(parameters) or "one by one")


def _encoded(value: Any) -> bytes:
    return encode(value)
