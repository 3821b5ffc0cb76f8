"""Of what kind the value of each option is, and what to say of one that is not. It changes no value."""

from __future__ import annotations

from math import isnan
from typing import Any

SECONDS = ("delay", "timeout", "unique_for", "keep")
COUNTS = ("priority", "attempts", "crash_budget", "memory_limit")
SWITCHES = ("at_most_once", "held")
TEXTS = ("queue", "on_conflict", "executor")
OPTIONAL = frozenset({*SECONDS, "at", "memory_limit", "executor"})

LONGEST = 100 * 366 * 86400.0
"""Seconds: nobody means a longer duration, and no list could show when it is over."""
LATEST = 253_402_300_800.0
"""The moment after which years have five digits. Milliseconds since the epoch, which nobody means either, are later."""


def wanted_instead(name: str, value: Any) -> str | None:
    """What the option's value ought to be, in words; None where it is that."""
    if value is None and name in OPTIONAL:
        return None
    fits, words = _kind(name, value)
    return None if fits else words


def _kind(name: str, value: Any) -> tuple[bool, str]:
    if name in SECONDS:
        return is_number(value), "a number of seconds or a timedelta"
    if name in COUNTS:
        return isinstance(value, int) and not isinstance(value, bool), "a whole number"
    if name in SWITCHES:
        return isinstance(value, bool), "True or False"
    if name in TEXTS:
        return isinstance(value, str), "a text"
    match name:
        case "at":
            return is_number(value), "a datetime with a time zone, or seconds since the epoch"
        case "unique":
            if isinstance(value, str):
                return is_key(value), "a key that is not empty, and that UTF-8 can carry"
            return isinstance(value, bool) or callable(value), "True, a key or a function"
        case "tags":
            return _are_texts(value) and all(map(_is_utf8, value)), "a text or several"
        case "retry_on" | "never_retry_on":
            return _are_texts(value), "a class of exceptions, its name, or several of these"
    return True, ""


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not isnan(value)


def is_key(text: str) -> bool:
    """Whether it can be a unique key: a text that is not empty, and that can be written down."""
    return text != "" and _is_utf8(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_texts(values: Any) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, str) for value in values)
