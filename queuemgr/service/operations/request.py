"""What is asked for when a job is: a task, its arguments as they were typed or sent, and options. It checks nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Word:
    """One argument: `value` as JSON says it, and `text` as it was typed, where it was typed alone."""

    value: Any
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A job that somebody wants. `options` are those of OptionValues that were given."""

    task: str
    positional: tuple[Word, ...] = ()
    named: dict[str, Word] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
