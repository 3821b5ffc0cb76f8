"""What a task and a call may ask for: checked options, and the policy that a run follows.

It reads no clock and no store.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, TypedDict

from .errors import ConfigError, UnknownOption, did_you_mean
from .kinds import COUNTS, LATEST, LONGEST, SECONDS, is_number, wanted_instead

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTORS = ("async", "thread", "process", "pool")
CONFLICTS = ("reject", "existing", "replace")
BACKOFFS = ("fixed", "linear", "exponential")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next attempt.

    Parameters: `kind` is "fixed", "linear" or "exponential"; `base` seconds before the second attempt; never more than
    `cap` seconds; `jitter` is the share of the delay (0 to 1) by which it is shortened or lengthened at random.
    """

    kind: str = "exponential"
    base: float = 1.0
    cap: float = 3600.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        if self.kind not in BACKOFFS:
            raise ConfigError(f"unknown backoff {self.kind!r}: {did_you_mean(str(self.kind), BACKOFFS)}")
        numbers = all(map(is_number, (self.base, self.cap, self.jitter)))
        if not (numbers and 0 <= self.base <= LONGEST and self.cap >= 0 and 0 <= self.jitter <= 1):
            raise ConfigError(
                "a backoff needs base >= 0, cap >= 0 and jitter between 0 and 1, the first two in seconds"
            )

    def __call__(self, failures: int) -> float:
        """Seconds to wait after the given number of failures (1 after the first), before jitter."""
        match self.kind:
            case "fixed":
                delay = self.base
            case "linear":
                delay = self.base * failures
            case _:
                delay = self.base * 2.0 ** min(failures - 1, 62)
        return min(delay, self.cap)


class OptionValues(TypedDict, total=False):
    """The options of a task or a call, as keyword arguments. `docs/tasks.md` explains each."""

    queue: str
    priority: int
    delay: float | timedelta
    at: datetime | float
    attempts: int
    backoff: str | Backoff | Callable[[int], float]
    retry_on: tuple[type[BaseException] | str, ...]
    never_retry_on: tuple[type[BaseException] | str, ...]
    timeout: float | timedelta | None
    unique: bool | str | Callable[..., str]
    unique_for: float | timedelta | None
    on_conflict: str
    keep: float | timedelta | None
    executor: str
    at_most_once: bool
    held: bool
    tags: tuple[str, ...]
    memory_limit: int | None
    crash_budget: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Checked options. Durations are seconds, memory is bytes; `at` is seconds since the epoch."""

    queue: str = "default"
    priority: int = 0
    delay: float | None = None
    at: float | None = None
    attempts: int = 3
    backoff: Backoff | Callable[[int], float] = Backoff()
    retry_on: tuple[str, ...] = ()
    never_retry_on: tuple[str, ...] = ()
    timeout: float | None = None
    unique: bool | str | Callable[..., str] = False
    unique_for: float | None = None
    on_conflict: str = "reject"
    keep: float | None = None
    executor: str | None = None
    at_most_once: bool = False
    held: bool = False
    tags: tuple[str, ...] = ()
    memory_limit: int | None = None
    crash_budget: int = 3

    def changed(self, values: OptionValues) -> Options:
        """These options with some replaced. Raises UnknownOption or ConfigError."""
        unknown = values.keys() - NAMES
        if unknown:
            wrong = min(unknown)
            raise UnknownOption(f"there is no option {wrong!r}: {did_you_mean(wrong, NAMES)}")
        return checked(replace(self, **{name: _plain(name, value) for name, value in values.items()}))


NAMES = frozenset(field.name for field in fields(Options))
MOST_CRASHES = 2**31 - 1  # what a server counts to
# What a run looks at, and so what a call that differs from its task must carry along.
RUN_OPTIONS = (
    "attempts",
    "backoff",
    "retry_on",
    "never_retry_on",
    "timeout",
    "executor",
    "memory_limit",
    "crash_budget",
)


def checked(options: Options) -> Options:
    """The same options, or ConfigError with what is wrong and what would be right."""
    problems = [text for wrong, text in _rules(options) if wrong]
    if problems:
        raise ConfigError("; ".join(problems))
    return options


def _rules(o: Options) -> Iterable[tuple[bool, str]]:
    executor, conflict = o.executor or "async", o.on_conflict
    fits = 0 < len(o.queue) <= 200 and o.queue.isprintable()
    yield not fits, f"queue must be a name of 1 to 200 printable characters, not {o.queue!r:.250}"
    yield not 0 <= o.priority <= 9, f"priority must be 0 to 9 (9 runs first), not {o.priority}"
    yield o.attempts < 1, f"attempts must be at least 1, not {o.attempts}"
    budget = o.crash_budget
    yield not 1 <= budget <= MOST_CRASHES, f"crash_budget must be at least 1, at most {MOST_CRASHES}, not {budget}"
    yield o.timeout is not None and o.timeout <= 0, f"timeout must be more than 0 seconds, not {o.timeout}"
    for name in SECONDS:
        wrong = (seconds := getattr(o, name)) is not None and not 0 <= seconds <= LONGEST
        yield wrong, f"{name} must not be negative, nor longer than a hundred years, not {seconds}"
    yield o.at is not None and o.at >= LATEST, f"at must be in seconds and before the year 10000, not {o.at}"
    yield o.delay is not None and o.at is not None, "give either delay or at, not both"
    yield executor not in EXECUTORS, f"unknown executor {executor!r}: {did_you_mean(executor, EXECUTORS)}"
    yield conflict not in CONFLICTS, f"unknown on_conflict {conflict!r}: {did_you_mean(conflict, CONFLICTS)}"
    yield o.unique_for is not None and not o.unique, "unique_for needs unique=True or a unique key"
    yield o.memory_limit is not None and o.memory_limit <= 0, "memory_limit must be a number of bytes above 0"
    yield not callable(o.backoff), f"backoff must be a Backoff, its kind or a function, not {o.backoff!r}"
    yield (
        o.memory_limit is not None and o.executor not in ("process", "pool"),
        "memory_limit needs a process of its own: choose executor='process' or 'pool'",
    )


def _plain(name: str, value: Any) -> Any:
    """The value in the one type that the rest of the package works with. Raises ConfigError where it has another."""
    value = _converted(name, value)
    if (wanted := wanted_instead(name, value)) is not None:
        raise ConfigError(f"{name} must be {wanted}, not {value!r}")
    return value


def _converted(name: str, value: Any) -> Any:
    match name, value:
        case _, timedelta() if name in SECONDS:
            return value.total_seconds()
        case _, SupportsIndex() if name in COUNTS and not isinstance(value, bool):
            return index(value)
        case "at", datetime():
            if value.tzinfo is None:
                raise ConfigError(
                    "at needs a time zone: datetime(..., tzinfo=timezone.utc), or seconds since the epoch"
                )
            return value.timestamp()
        case "backoff", str():
            return Backoff(value)
        case "retry_on" | "never_retry_on", _:
            kinds = value if isinstance(value, (tuple, list)) else (value,)
            return tuple(type_name(kind) if isinstance(kind, type) else kind for kind in kinds)
        case "tags", str():
            return (value,)
        case "tags", Iterable():
            return tuple(value)
    return value


def type_name(kind: type) -> str:
    """`package.module.Name` of an exception class, the same in every process."""
    return f"{module_of(kind)}.{kind.__qualname__}"


def module_of(thing: Any) -> str:
    """Where a function or class is imported from; a script that is run directly is known by its file."""
    module: str = thing.__module__
    if module == "__main__":
        main = sys.modules["__main__"]
        spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
        return spec.name if spec else Path(file).stem if file else module
    return module


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run of one job follows."""

    attempts: int
    backoff: Backoff | Callable[[int], float]
    retry_on: tuple[str, ...]
    never_retry_on: tuple[str, ...]
    timeout: float | None
    executor: str
    memory_limit: int | None
    crash_budget: int

    def retries(self, types: tuple[str, ...]) -> bool:
        """Whether an error whose classes bear these names (nearest first) is worth another attempt."""
        if _one_of(self.never_retry_on, types):
            return False
        return not self.retry_on or _one_of(self.retry_on, types)

    def delay_before(self, attempt: int, chance: Callable[[], float]) -> float:
        """Seconds to wait before the given attempt (2 is the first retry); `chance` gives numbers from 0 to 1."""
        delay = float(self.backoff(attempt - 1))
        jitter = self.backoff.jitter if isinstance(self.backoff, Backoff) else 0.0
        return min(max(0.0, delay * (1 + jitter * (2 * chance() - 1))), LONGEST)


def _one_of(chosen: tuple[str, ...], types: tuple[str, ...]) -> bool:
    """A class answers to `package.module.Name`, to `package.Name`, where it may be exported, too, and to `Name`."""
    names = set(types)
    for full in types:
        module, _, name = full.rpartition(".")
        parts = module.split(".")
        names.update((name, *(f"{'.'.join(parts[:length])}.{name}" for length in range(1, len(parts)))))
    return not names.isdisjoint(chosen)


DEFAULT_POLICY = Policy(3, Backoff(), (), (), None, "async", None, 3)


def policy_of(options: Options, executor: str, overrides: dict[str, Any] | None = None) -> Policy:
    """The policy of a task, with what one call asked for put on top."""
    values = {name: getattr(options, name) for name in RUN_OPTIONS}
    values["executor"] = options.executor or executor
    for name, value in (overrides or {}).items():
        if name in values:
            values[name] = Backoff(**value) if name == "backoff" else value
            if isinstance(value, list):
                values[name] = tuple(value)
    return Policy(**values)


def overrides_of(call: Options, task: Options) -> dict[str, Any] | None:
    """What the call asks for beyond its task, as plain values that can be stored; None where nothing."""
    changed: dict[str, Any] = {}
    for name in RUN_OPTIONS:
        value = getattr(call, name)
        if value == getattr(task, name):
            continue
        if name == "backoff":
            if not isinstance(value, Backoff):
                raise ConfigError(
                    "a backoff function belongs to the task: @app.task(backoff=...); a call takes a Backoff"
                )
            value = {key: getattr(value, key) for key in ("kind", "base", "cap", "jitter")}
        changed[name] = list(value) if isinstance(value, tuple) else value
    return changed or None
