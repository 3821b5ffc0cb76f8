"""Recurring times: the rules that say when a task runs again, and the pure arithmetic on them.

A rule is either a cron expression in a time zone or a fixed interval; every moment is in epoch seconds.
Nothing here reads a clock, touches a store or starts a job.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import TypeAlias

from queuemgr.errors import BadSchedule


class Missed(StrEnum):
    """What becomes of the firings that passed while no worker was alive to see them."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields (or six, seconds first), or an alias such as `@daily`.

    `zone` is an IANA time zone name. When both the minute and the hour are fixed, a time that the clocks skip
    fires once at the change, and a time that they repeat fires once, the first time. When either starts with
    `*`, the rule follows elapsed time: it fires whenever the wall clock shows a matching time.
    """

    expression: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Every:
    """A fixed interval: it fires at `anchor` plus any whole multiple of `seconds`, so it never drifts.

    `seconds` is from 0.001 to 100 years. `anchor` is in epoch seconds; None stands for the epoch itself, so
    that everyone who holds the same rule agrees. Raises BadSchedule for numbers outside these bounds.
    """

    seconds: float
    anchor: float | None = None

    def __post_init__(self) -> None:
        if not _SHORTEST <= self.seconds <= _LONGEST:
            raise BadSchedule(f"an interval of {self.seconds} s is out of range: give from {_SHORTEST} s to 100 years.")
        if self.anchor is not None and not math.isfinite(self.anchor):
            raise BadSchedule(f"the anchor {self.anchor} is not a moment: give epoch seconds, or leave it out.")


Rule: TypeAlias = Cron | Every


def parse_rule(text: str, zone: str = "UTC") -> Rule:
    """Read a rule from what a person wrote.

    `text` is a cron expression ("*/5 * * * *"), an alias ("@hourly") or an interval ("every 10s",
    "every 2h30m", "every 1.5 hours"). `zone` is the time zone of a cron expression; an interval has none.
    An expression that is well formed but names a date that never comes is accepted: `next_after` tells.
    Raises BadSchedule, with the reason and an example, when the text or the zone cannot be understood.
    """
    words = text.split()
    if words and words[0].lower() == "every":
        return Every(_parse_interval(" ".join(words[1:]).lower(), text))
    rule = Cron(" ".join(_expand(words)), zone)
    next_after(rule, 0.0)
    return rule


def next_after(rule: Rule, moment: float) -> float | None:
    """Return the first firing strictly after `moment`, both in epoch seconds; None if there is none.

    A date that does not come within 50 years counts as one that never comes.
    Raises BadSchedule when a cron expression or its zone cannot be understood.
    """
    match rule:
        case Every():
            return _next_multiple(rule, moment)
        case Cron():
            firing = _next_cron(rule, math.floor(moment))
            return None if firing is None else float(firing)


def due_firings(
    rule: Rule, due: float, now: float, missed: Missed, *, grace: float = 60.0, limit: int = 1000
) -> tuple[list[float], float | None]:
    """Return the firings that must run now, oldest first, and the next firing to wait for.

    `due` is the stored next firing and `now` the present, in epoch seconds; before `due` nothing runs.
    SKIP drops the firings older than `grace` seconds, ONCE keeps the latest only, ALL keeps every one.
    SKIP and ALL return at most `limit` firings; the next firing is then the first one not yet returned, which
    may lie before `now`. The next firing is None when the rule never fires again.
    """
    if due > now:
        return [], due
    match missed:
        case Missed.ONCE:
            latest = _latest(rule, due, now)
            return [latest], next_after(rule, latest)
        case Missed.SKIP if due < now - grace:
            # A firing exactly `grace` seconds old is not older than that: the search starts just before it.
            return _collect(rule, next_after(rule, math.nextafter(now - grace, -math.inf)), now, limit)
        case Missed.SKIP | Missed.ALL:
            return _collect(rule, due, now, limit)


def preview(rule: Rule, moment: float, count: int = 5) -> list[float]:
    """Return the first `count` firings after `moment`, in epoch seconds; fewer if the rule stops firing."""
    firings: list[float] = []
    following = next_after(rule, moment) if count > 0 else None
    while following is not None and len(firings) < count:
        firings.append(following)
        following = next_after(rule, following)
    return firings


def describe(rule: Rule) -> str:
    """Return the rule in plain English, or its cron expression and zone where no short phrase says it."""
    match rule:
        case Every():
            return f"every {_interval_in_words(rule.seconds)}"
        case Cron():
            return _cron_in_words(_expand(rule.expression.split()), rule.zone)


_SHORTEST = 0.001
_LONGEST = 100 * 366 * 86400.0
_DAY = 86400
_EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
_EXAMPLES = 'Write for example "*/5 * * * *", "@hourly" or "every 10s".'
_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY}
_INTERVAL_PART = re.compile(
    r"([0-9]+(?:\.[0-9]+)?) ?(s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?)(?![a-z]) ?"
)
_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS = {key: name for n, name in enumerate(_DAY_NAMES) for key in (str(n), name[:3].upper())}


def _parse_interval(interval: str, text: str) -> float:
    if interval in ("second", "minute", "hour"):
        interval = f"1 {interval}"
    total, position = 0.0, 0
    while part := _INTERVAL_PART.match(interval, position):
        total += float(part[1]) * _UNITS[part[2][0]]
        position = part.end()
    if not interval or position < len(interval):
        reason = 'after "every" come numbers, each with its unit: s, m, h, d or w'
        raise BadSchedule(f"{text!r} is not a schedule: {reason}. {_EXAMPLES}")
    return total


def _expand(words: list[str]) -> list[str]:
    if len(words) == 1 and words[0].startswith("@"):
        if expression := _ALIASES.get(words[0].lower()):
            return expression.split()
        raise BadSchedule(f"{words[0]!r} is not a schedule: the aliases are {', '.join(_ALIASES)}.")
    return words


def _next_multiple(rule: Every, moment: float) -> float:
    anchor = rule.anchor or 0.0
    # The quotient is rounded, so the count may be off by one either way: start low and settle by comparing.
    count = math.floor((moment - anchor) / rule.seconds) - 1
    while (firing := anchor + count * rule.seconds) <= moment:
        count += 1
    return firing


def _next_cron(rule: Cron, moment: int) -> int | None:
    fields = _expand(rule.expression.split())
    zone = _load_zone(rule.zone)
    follows_elapsed_time = any(part.startswith("*") for part in fields[-5:-3])
    if follows_elapsed_time and zone is not UTC:
        return _next_by_elapsed_time(fields, zone, moment)
    return _next_by_wall_clock(fields, zone, moment)


def _next_by_wall_clock(fields: list[str], zone: tzinfo, moment: int) -> int | None:
    for wall in _walls_after(fields, _wall(zone, moment)):
        # A wall time seen again when the clocks go back stands for its first occurrence, which is over.
        if (firing := _instant(zone, wall)) > moment:
            return firing
    return None


def _next_by_elapsed_time(fields: list[str], zone: tzinfo, moment: int) -> int | None:
    # Between two changes of the clocks wall time is elapsed time plus a constant, so the search goes from one
    # change to the next. Walking an aware datetime hour by hour would go astray at changes of half an hour.
    while True:
        offset = _offset(zone, moment + 1)
        wall = next(_walls_after(fields, _EPOCH + timedelta(seconds=moment + offset)), None)
        if wall is None:
            return None
        firing = _seconds(wall) - offset
        change = _first_change(zone, moment + 1, firing)
        if change is None:
            return firing
        moment = change - 1


def _walls_after(fields: list[str], wall: datetime) -> Iterator[datetime]:
    from cronsim import CronSim, CronSimError

    try:
        return CronSim(" ".join(fields), wall)
    except (CronSimError, ValueError) as error:
        if _names_impossible_date(fields):
            return iter(())
        reason = str(error).lower()
        raise BadSchedule(f"{' '.join(fields)!r} is not a schedule: {reason}. {_EXAMPLES}") from error


def _names_impossible_date(fields: list[str]) -> bool:
    """Tell a day that its month never has (each field is sound without the other) from a wrong expression."""
    from cronsim import CronSim, CronSimError

    try:
        CronSim(" ".join([*fields[:-3], "*", *fields[-2:]]), _EPOCH)
        CronSim(" ".join([*fields[:-2], "*", *fields[-1:]]), _EPOCH)
    except (CronSimError, ValueError):
        return False
    return True


def _instant(zone: tzinfo, wall: datetime) -> int:
    """Return the first moment at which clocks show `wall`, or have jumped over it."""
    first = int(wall.replace(tzinfo=zone, fold=0).timestamp())
    if _wall(zone, first) == wall:
        return first
    # For a skipped time the two folds give a moment on either side of the change.
    change = _first_change(zone, int(wall.replace(tzinfo=zone, fold=1).timestamp()), first)
    return first if change is None else change


def _first_change(zone: tzinfo, start: int, end: int) -> int | None:
    """Return the first moment after `start`, up to `end`, with another UTC offset than `start`."""
    offset = _offset(zone, start)
    while start < end:
        step = min(start + _DAY, end)
        if _offset(zone, step) != offset:
            span = range(start, step)
            return start + bisect_left(span, True, key=lambda moment: _offset(zone, moment) != offset)
        start = step
    return None


def _offset(zone: tzinfo, moment: int) -> int:
    return _seconds(_wall(zone, moment)) - moment


def _wall(zone: tzinfo, moment: int) -> datetime:
    return datetime.fromtimestamp(moment, zone).replace(tzinfo=None, fold=0)


def _seconds(wall: datetime) -> int:
    return (wall - _EPOCH) // timedelta(seconds=1)


def _load_zone(name: str) -> tzinfo:
    # UTC must work where no time zone data is installed.
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadSchedule(f"the time zone {name!r} is unknown: {_zone_advice(name)}") from error


def _zone_advice(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    zones = sorted(available_timezones())
    if not zones:
        return "this machine has no time zone data; install the package tzdata."
    known = {zone.rpartition("/")[2].lower(): zone for zone in zones} | {zone.lower(): zone for zone in zones}
    if near := get_close_matches(name.strip().lower().replace(" ", "_"), known, 1):
        return f"did you mean {known[near[0]]!r}?"
    return 'give an IANA name, for example "Europe/Berlin".'


def _latest(rule: Rule, due: float, now: float) -> float:
    # Halving the span instead of walking it: a year of missed seconds must not cost a year of steps.
    latest, empty_from = due, now
    while (following := next_after(rule, latest)) is not None and following <= now:
        middle = latest + (empty_from - latest) / 2
        candidate = next_after(rule, middle)
        if candidate is None or candidate > now:
            latest, empty_from = following, middle
        else:
            latest = candidate
    return latest


def _collect(rule: Rule, first: float | None, now: float, limit: int) -> tuple[list[float], float | None]:
    firings: list[float] = []
    while first is not None and first <= now and len(firings) < limit:
        firings.append(first)
        first = next_after(rule, first)
    return firings, first


def _interval_in_words(seconds: float) -> str:
    whole = int(seconds)
    if whole != seconds or whole < 60:
        return f"{whole if whole == seconds else seconds} s"
    if whole % _DAY == 0 and whole > _DAY:
        return f"{whole // _DAY} days"
    parts = [(whole // 3600, "h", "hour"), (whole // 60 % 60, "min", "minute"), (whole % 60, "s", "second")]
    parts = [part for part in parts if part[0]]
    if len(parts) > 1:
        return " ".join(f"{count} {short}" for count, short, _ in parts)
    count, _, unit = parts[0]
    return unit if count == 1 else f"{count} {unit}s"


def _cron_in_words(fields: list[str], zone: str) -> str:
    match fields:
        case ["*", "*", "*", "*", "*"]:
            return "every minute"
        case [minute, "*", "*", "*", "*"] if step := _even_step(minute, 60):
            return f"every {step} minutes"
        case ["0", "*", "*", "*", "*"]:
            return "every hour"
        case ["0", hour, "*", "*", "*"] if step := _even_step(hour, 24):
            return f"every {step} hours ({zone})"
        case [minute, hour, day, "*", weekday] if minute.isdecimal() and hour.isdecimal():
            if days := _days_in_words(day.upper(), weekday.upper()):
                return f"{days} at {int(hour):02}:{int(minute):02} ({zone})"
    return f"{' '.join(fields)} ({zone})"


def _days_in_words(day: str, weekday: str) -> str | None:
    match day, weekday:
        case "*", "*":
            return "every day"
        case "*", "1-5" | "MON-FRI":
            return "Monday to Friday"
        case "*", _ if weekday in _WEEKDAYS:
            return f"every {_WEEKDAYS[weekday]}"
        case "L", "*":
            return "on the last day of every month"
        # The 29th to the 31st do not come in every month, which no short phrase says.
        case _, "*" if day.isdecimal() and int(day) <= 28:
            return f"on day {int(day)} of every month"
    return None


def _even_step(part: str, whole: int) -> int | None:
    """Return n of `*/n` when the steps are equally long all the way round, None otherwise."""
    step = int(part[2:]) if re.fullmatch(r"\*/[0-9]{1,2}", part) else 0
    return step if 1 < step < whole and whole % step == 0 else None
