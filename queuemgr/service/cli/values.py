"""Values as people type them: durations, moments and states. It reads the clock only to know what `2h ago` means."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from queuemgr.errors import BadSchedule, did_you_mean

if TYPE_CHECKING:
    from queuemgr.job import State

LATEST = 253402300800.0


class Seconds(click.ParamType):  # type: ignore[type-arg]  # it takes an argument only in new versions of click
    """`90`, `1.5`, `10m`, `2h30m`, `1 day`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = seconds_of(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no duration: write 90 for seconds, or 10m, 2h30m, 1d", param, ctx)
        return seconds


class Moment(click.ParamType):  # type: ignore[type-arg]  # it takes an argument only in new versions of click
    """`2026-12-01T10:00+01:00`, `10:30` today, epoch seconds; without an offset it is local time.

    With `past`, a bare duration is so long ago: `2h`, `30m`.
    """

    name = "moment"

    def __init__(self, *, past: bool = False) -> None:
        self._past = past

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        found = self._ago(text) if self._past else None
        found = moment_of(text) if found is None else found
        if found is None:
            more = ", or 2h for two hours ago" if self._past else ""
            self.fail(f"{value!r} is no moment: write 2026-12-01T10:00+01:00 or 10:30{more}", param, ctx)
        return found

    def _ago(self, text: str) -> float | None:
        seconds = None if _is_number(text) else seconds_of(text.removesuffix("ago"))
        return None if seconds is None else time.time() - seconds


class States(click.ParamType):  # type: ignore[type-arg]  # it takes an argument only in new versions of click
    """A state, or several with commas."""

    name = "state"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[State, ...]:
        from queuemgr.job import State

        known = {state.word: state for state in State}
        words = [word.strip().lower() for word in str(value).split(",")]
        for word in words:
            if word not in known:
                self.fail(f"there is no state {word!r}: {did_you_mean(word, known)}", param, ctx)
        return tuple(known[word] for word in words)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The states that begin so."""
        from queuemgr.job import State

        del ctx, param
        return [CompletionItem(state.word) for state in State if state.word.startswith(incomplete)]


def seconds_of(text: str) -> float | None:
    """A number of seconds, or one with units; None where it is neither."""
    if _is_number(text):
        return float(text)
    from queuemgr.recurrence import Every, parse_rule

    try:
        rule = parse_rule(f"every {text}")
    except BadSchedule:
        return None
    return rule.seconds if isinstance(rule, Every) else None


def moment_of(text: str) -> float | None:
    """Epoch seconds, an ISO 8601 date and time, or a time of today; None where it is none of them."""
    if _is_number(text):
        return float(text) if float(text) < LATEST else None
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        text = f"{datetime.now().astimezone().date().isoformat()}T{text.zfill(5)}"
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d*)?|\.\d+", text.strip()) is not None
