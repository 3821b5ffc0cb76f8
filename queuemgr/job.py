"""What a job is, and which way its state may go.

                      hold                        release
       ┌──────────────────────────► HELD ─────────────────────┐
       │                                                      ▼
    enqueue(at) ─► SCHEDULED ─ time comes ─► READY ◄──── PARKED  (no worker knows the task yet)
                      ▲                      │   ▲          ▲
                      │ retry at, snooze     │   │ worker   │ unknown task
                      │                claim │   │ died     │
                      └───────────────────── ▼ ──┴──────────┘
                                          RUNNING
                          value │ out of attempts │ cancelled
                                ▼            ▼          ▼
                          SUCCEEDED        DEAD      CANCELLED ── retry by hand ─► READY

Values and pure functions, but for the ids, which take this machine's time. Nothing here knows a store or a worker.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import msgspec


class State(IntEnum):
    """Small integers, because a store keeps millions of them; the order is the order of a job's life."""

    SCHEDULED = 0
    READY = 1
    RUNNING = 2
    HELD = 3
    PARKED = 4
    SUCCEEDED = 5
    DEAD = 6
    CANCELLED = 7

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def finished(self) -> bool:
        return self >= State.SUCCEEDED


WAITING = frozenset({State.SCHEDULED, State.READY, State.HELD, State.PARKED})
FINISHED = frozenset({State.SUCCEEDED, State.DEAD, State.CANCELLED})


class Unique(msgspec.Struct, frozen=True):
    """At most one unfinished job per key; with `window`, also none for that many seconds after the first one."""

    key: str
    window: float | None = None
    on_conflict: str = "reject"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A request to run a task, as it is handed to a store.

    `delay` counts from the moment at which the store accepts it, by the store's clock; `run_at` is a moment.
    """

    id: str
    task: str
    args: bytes
    queue: str = "default"
    priority: int = 0
    run_at: float | None = None
    delay: float | None = None
    created_at: float = 0.0
    keep: float | None = None
    at_most_once: bool = False
    held: bool = False
    crash_budget: int = 3
    unique: Unique | None = None
    tags: tuple[str, ...] = ()
    options: dict[str, Any] | None = None


class Lease(msgspec.Struct, frozen=True):
    """The right to run a job. `attempt` is its token: it grows with every claim, and only the newest may settle.

    `unique` says that the job may hold a unique key, which its end must free.
    """

    key: int | str
    id: str
    task: str
    queue: str
    attempt: int
    failures: int
    crashes: int
    at_most_once: bool
    options: dict[str, Any] | None
    args: bytes
    started_at: float
    unique: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of a job, as the store remembers it. Times are seconds since the epoch, memory is bytes."""

    number: int
    worker: str
    started_at: float
    ended_at: float
    outcome: str
    error: dict[str, Any] | None = None
    exit_signal: str | None = None
    peak_memory: int | None = None

    @property
    def duration(self) -> float:
        return self.ended_at - self.started_at


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """All that a store knows of a job at one moment, without its arguments, result and output."""

    id: str
    task: str
    queue: str
    state: State
    priority: int
    created_at: float
    run_at: float | None
    started_at: float | None
    finished_at: float | None
    expires_at: float | None
    attempt: int
    failures: int
    crashes: int
    worker: str | None
    progress: float | None
    note: str | None
    error: dict[str, Any] | None
    unique_key: str | None
    tags: tuple[str, ...]
    options: dict[str, Any]
    cancel_requested: bool
    position: int | str
    result_size: int | None
    attempts: tuple[Attempt, ...] = field(default=())

    def seconds_left(self, now: float) -> float | None:
        """Estimated seconds until the running job ends, from its own progress; None where nothing can be said."""
        if self.state is not State.RUNNING or not self.progress or self.started_at is None:
            return None
        return (now - self.started_at) * (100 - self.progress) / self.progress


def new_id() -> str:
    """A UUID of version 7 as text: sorts by its making, to the millisecond everywhere, exactly within one process.

    The 21 bits after the milliseconds are a counter (RFC 9562, section 6.2, method 1), the other 53 are random.
    """
    chance = os.urandom(9)
    order = next_order(chance[0] << 8 | chance[1])
    return f"{_head(order)}{0x8000 | (order & 0x1FF) << 5 | chance[2] & 0x1F:04x}-{chance[3:].hex()}"


def new_ids(number: int) -> tuple[range, list[str]]:
    """So many of them, and the numbers within them (`order_of`), in a third of the time of one by one.

    48 bits of each are random.
    """
    orders = range(first := next_order(count=number), first + number)
    heads = {block: _head(block << _LOW) for block in range(first >> _LOW, (first + number >> _LOW) + 1)}
    groups = (_GROUPS * (number // len(_GROUPS) + 2))[first % len(_GROUPS) :]
    tails = os.urandom(6 * number).hex()
    own = zip(orders, groups, range(0, 12 * number, 12), strict=False)
    return orders, [f"{heads[order >> _LOW]}{group}-{tails[at : at + 12]}" for order, group, at in own]


def next_order(start: int | None = None, count: int = 1) -> int:
    """A 63-bit number that grows with time: milliseconds since the epoch, then a counter that begins at random.

    The `count` - 1 numbers that follow it are the caller's, too.
    """
    global _last
    now = time.time_ns() // 1_000_000 << 21
    least = now | (int.from_bytes(os.urandom(2), "big") if start is None else start)
    with _turn:
        order = least if least > _last else _last + 1
        _last = order + count - 1
    return order


def order_of(job_id: str) -> int | None:
    """The number in an id that `new_id` could have made; None for any other id."""
    if len(job_id) != 36 or job_id[14] != "7" or job_id[0] > "3":
        return None
    text = job_id[:23].replace("-", "")
    try:
        number = int(text, 16) if len(text) == 20 else -1
    except ValueError:
        return None
    order = number >> 32 << 21 | (number >> 16 & 0xFFF) << 9 | number >> 5 & 0x1FF
    return order if 0 <= order < 1 << 63 else None


def _head(order: int) -> str:
    """The first three groups: milliseconds, the version, the upper 12 bits of the counter."""
    text = f"{order >> 21 << 16 | 0x7000 | order >> _LOW & 0xFFF:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:]}-"


_LOW = 9
"""How many bits of the counter stand in the fourth group, between the variant and five bits that may be random."""

_GROUPS = [f"{0x8000 | low << 5:04x}" for low in range(1 << _LOW)]

_last = 0

# Not of `threading`: to import it takes longer than all else here.
_turn = allocate_lock()


def _begin_anew() -> None:
    """Another thread may have been at it when the process was forked."""
    global _turn
    _turn = allocate_lock()


os.register_at_fork(after_in_child=_begin_anew)
