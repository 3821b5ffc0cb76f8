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

Values and pure functions: nothing here knows a clock, a store or a worker.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


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

MAY_BECOME: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.READY, State.HELD, State.CANCELLED}),
    State.READY: frozenset({State.RUNNING, State.HELD, State.CANCELLED, State.DEAD}),
    State.RUNNING: frozenset(State) - {State.RUNNING},
    State.HELD: frozenset({State.READY, State.SCHEDULED, State.CANCELLED}),
    State.PARKED: frozenset({State.RUNNING, State.READY, State.HELD, State.CANCELLED}),
    State.SUCCEEDED: frozenset({State.READY}),
    State.DEAD: frozenset({State.READY}),
    State.CANCELLED: frozenset({State.READY}),
}


@dataclass(frozen=True, slots=True)
class Unique:
    """At most one unfinished job per key; with `window`, also none for that many seconds after the first one."""

    key: str
    window: float | None = None
    on_conflict: str = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request to run a task, as it is handed to a store."""

    id: str
    task: str
    args: bytes
    queue: str = "default"
    priority: int = 0
    run_at: float | None = None
    created_at: float = 0.0
    keep: float | None = None
    at_most_once: bool = False
    held: bool = False
    crash_budget: int = 3
    unique: Unique | None = None
    tags: tuple[str, ...] = ()
    options: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a job. `attempt` is its token: it grows with every claim, and only the newest may settle."""

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
    """A UUID of version 7 as text: sorts by the millisecond in which it was made (RFC 9562, section 5.7)."""
    tail = bytearray(os.urandom(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    text = (time.time_ns() // 1_000_000).to_bytes(6, "big").hex() + tail.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
