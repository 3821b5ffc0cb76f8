"""What is typed after `enqueue` and `schedules add`: the task, its arguments and options, as a Request.

`[1, 2]` alone is the list of all arguments; `name=value` is a named one; a word is JSON if it can be read as such, else
text. Nothing is sent from here.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

import click

from queuemgr.service.failures import Misused

from .values import Moment, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuemgr.service.operations.request import Request, Word

CONFLICTS = ("reject", "existing", "replace")
_NAMED = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)

_OPTIONS = (
    click.option("--kw", "pairs", metavar="NAME=VALUE", multiple=True, help="A named argument (repeatable)."),
    click.option("--queue", metavar="NAME", help="Into this queue."),
    click.option("--priority", type=click.IntRange(0, 9), metavar="N", help="9 runs first."),
    click.option("--attempts", type=click.IntRange(1), metavar="N", help="At most so many attempts."),
    click.option("--timeout", type=Seconds(), metavar="S", help="Stop a run that takes longer."),
    click.option("--keep", type=Seconds(), metavar="S", help="Keep the finished job and its result for so long."),
    click.option("--unique", metavar="KEY", help="At most one unfinished job with this key."),
    click.option("--unique-for", type=Seconds(), metavar="S", help="And none for so long after it was enqueued."),
    click.option(
        "--on-conflict",
        type=click.Choice(CONFLICTS),
        metavar="HOW",
        help="If it is taken: reject, existing or replace.",
    ),
    click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag to find it by (repeatable)."),
)
_WHEN = (
    click.option("--delay", type=Seconds(), metavar="S", help="Not before S seconds have passed; 10m, 2h30m."),
    click.option("--at", type=Moment(), metavar="TIME", help="Not before then: 2026-12-01T10:00+01:00, 10:30."),
    click.option("--held", is_flag=True, default=None, help="Not before it is released."),
)


def describes_job(*, when: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds TASK, ARGUMENTS and the options of a job; the function gets a `request`. `when`: also --delay and so on."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def with_request(*args: Any, task: str, words: tuple[str, ...], pairs: tuple[str, ...], **params: Any) -> Any:
            names = (*_NAMES, *(_NAMES_OF_WHEN if when else ()))
            options = {name: value for name in names if (value := params.pop(name)) not in (None, ())}
            return function(*args, request=request_of(task, words, pairs, options), **params)

        for option in reversed((*_OPTIONS, *(_WHEN if when else ()))):
            with_request = option(with_request)
        with_request = click.argument("words", metavar="[ARGUMENT]...", nargs=-1)(with_request)
        return click.argument("task", metavar="TASK")(with_request)

    return decorate


_NAMES = ("queue", "priority", "attempts", "timeout", "keep", "unique", "unique_for", "on_conflict", "tags")
_NAMES_OF_WHEN = ("delay", "at", "held")


def request_of(task: str, words: Sequence[str], pairs: Sequence[str], options: dict[str, Any]) -> Request:
    """Raises Misused for a --kw without a name, and for a name given twice."""
    from queuemgr.service.operations.request import Request

    positional: list[Word] = []
    named: dict[str, Word] = {}
    for word in (*words, *map(_checked_pair, pairs)):
        pair = _NAMED.fullmatch(word)
        if pair is None:
            positional.append(_word(word))
        elif pair[1] in named:
            raise Misused(f"the argument {pair[1]!r} is given twice")
        else:
            named[pair[1]] = _word(pair[2])
    return Request(task, _spread(positional), named, options)


def _checked_pair(text: str) -> str:
    if not _NAMED.fullmatch(text):
        raise Misused(f"--kw {text!r} is no named argument", "write --kw name=value")
    return text


def _word(text: str) -> Word:
    from queuemgr.service.operations.request import Word

    try:
        return Word(json.loads(text, parse_constant=_refuse), text)
    except (ValueError, RecursionError):
        return Word(text, text)


def _spread(positional: list[Word]) -> tuple[Word, ...]:
    """One list alone stands for all arguments."""
    from queuemgr.service.operations.request import Word

    if len(positional) == 1 and isinstance(positional[0].value, list):
        return tuple(Word(value) for value in positional[0].value)
    return tuple(positional)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
