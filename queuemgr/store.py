"""The contract of what holds jobs and leases them to workers. It says what is kept, not how.

Each of `enqueue`, `claim`, `settle` and `fire` is one transaction for many jobs: all of it happened, or nothing.
`queuemgr.testing.StoreSuite` is this contract as tests; every store passes all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from .errors import ConfigError
from .job import Attempt, Job, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .clock import Clock
    from .job import JobRecord, Lease
    from .liveness import Life
    from .outcome import Verdict
    from .schedule import Schedule

LEASE = 30.0
"""Seconds without a beat after which a worker is taken for dead whose life nothing else can tell."""

REMOTE_LEASE = 8.0
"""The same for a store whose workers beat from a process of their own, where no job can delay it."""

KEEP = 7 * 86400.0
"""Seconds for which a finished job and its result are kept, where the job does not say otherwise."""

KEEP_DEAD = 90 * 86400.0
"""Seconds for which a dead job is kept."""


class Enqueued(msgspec.Struct, frozen=True):
    """What became of one job: its id, or with `existing` the id of the job that holds its unique key."""

    id: str
    existing: bool = False
    replaced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """A worker as others see it.

    `host` names machine, boot and process namespace; `birth` tells a pid from its reuse (liveness.py). `alive` is what
    the store knows at the moment in which it is asked.
    """

    id: str
    host: str
    pid: int
    birth: int
    name: str = ""
    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    concurrency: int = 0
    started_at: float = 0.0
    beat_at: float = 0.0
    state: str = "running"
    alive: bool = True

    @property
    def life(self) -> Life:
        return self.host, self.pid, self.birth

    @property
    def takes_jobs(self) -> bool:
        """Whether it lives, and neither stops nor was asked to be quiet."""
        return self.alive and self.state == "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker's wish for work. `queues` are (name, share), in the order in which they are asked.

    What one queue's share leaves free goes to the others, up to `limit` in all.
    `idle` says that nothing else runs in the caller's event loop, so that the store may hold it up for a moment.
    """

    worker: str
    queues: Sequence[tuple[str, int]]
    limit: int
    tasks: frozenset[str]
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    leases: list[Lease]
    next_due: float | None = None


class Settlement(msgspec.Struct, frozen=True):
    """The end of one run. A finished job is kept for as long as it says itself, or else KEEP; a dead one KEEP_DEAD.

    `result` is kept with every final state: a failed or cancelled job may have something to show, too.
    """

    lease: Lease
    worker: str
    verdict: Verdict
    ended_at: float
    result: bytes | None = None
    error: dict[str, Any] | None = None
    exit_signal: str | None = None
    peak_memory: int | None = None


@dataclass(slots=True)
class Report:
    """What a running job has said since the last report: output as (moment, stream, text)."""

    lease: Lease
    progress: float | None = None
    note: str | None = None
    output: list[tuple[float, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OutputLine:
    position: int
    attempt: int
    at: float
    stream: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which jobs: every given field must fit. `ids` empty means any id."""

    ids: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    queue: str | None = None
    task: str | None = None
    tag: str | None = None
    worker: str | None = None
    error: str | None = None
    created_after: float | None = None
    created_before: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first; `after` asks for the page that follows, None at the end."""

    jobs: list[JobRecord]
    after: int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueInfo:
    """`limit` is how many of its jobs run at once, of all workers together; None where there is no limit."""

    name: str
    paused: bool
    counts: Mapping[State, int]
    oldest_ready: float | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInfo:
    schedule: Schedule
    next_at: float | None
    last_at: float | None
    last_job: str | None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that a store holds of one job, in one form for every store, so that two dumps can be compared.

    `job` tells its moment by `run_at`, never by `delay`; its `held` is False, because `state` tells that; its `unique`
    is the key alone, and its `options` are None where there are none. `attempts` is the whole history, as `get` tells
    it. The positions in `output` are 1, 2, 3 and so on.
    `holds_key` is False once another job may take its unique key. `unique_until` is the moment to which a window keeps
    the key beyond the job's end; None where there is no such moment, or it is over, or the key is not held.
    """

    job: Job
    state: State
    attempt: int
    failures: int
    crashes: int
    cancel: bool
    started_at: float | None
    finished_at: float | None
    expires_at: float | None
    worker: str | None
    progress: float | None
    note: str | None
    error: dict[str, Any] | None
    result: bytes | None
    attempts: tuple[Attempt, ...]
    output: tuple[OutputLine, ...]
    holds_key: bool
    unique_until: float | None

    def at_rest(self, now: float) -> Snapshot:
        """The same job without its lease: one that was running is as if its worker had given it back at `now`."""
        return self if self.state is not State.RUNNING else _given_back(self, now)


class Store(Protocol):
    """All times are seconds since the epoch by the store's own clock. Raises StoreError and its kin only."""

    url: str

    clock: Clock
    """The store's own clock: that of the server, where it has one."""

    lease: float
    """Seconds without a beat after which one of its workers is taken for dead, if the kernel here cannot tell."""

    remote: bool
    """Whether its workers may be on other machines, so that each beats from a process of its own (pulse.py)."""

    async def open(self) -> None:
        """Make it ready for use; every other method does so too if need be."""

    async def close(self) -> None: ...

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        """Accept all or none. Raises JobExists where a unique key is taken and the job says reject."""

    async def claim(self, claim: Claim) -> Claimed:
        """Lease due jobs to the worker, by priority (9 first), then age; parked jobs whose task it knows too.

        Moves scheduled jobs that are due, and takes back the jobs of workers that are dead: each is marked as
        interrupted and counted against its crash budget, or dead at once where it runs at most once. Of the jobs that
        have seen a worker die at most one is leased to a worker at a time, so that the guilty one is found.
        """

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        """End runs. False where the token is not the newest any more: then nothing was changed."""

    async def report(self, reports: Sequence[Report]) -> None:
        """Progress and output of running jobs. A stale token changes nothing."""

    async def join(self, worker: WorkerInfo) -> None:
        """A worker begins. Parked jobs whose task it knows are for it."""

    async def beat(self, worker: str, state: str | None = "running", *, life: Life | None = None) -> list[str]:
        """Renew all of the worker's leases at once; the ids of its jobs that somebody wants cancelled.

        `state` None leaves it as it is. A worker that is not known changes nothing, nor one that is not this `life`.
        """

    async def leave(self, worker: str, *, died: bool = False, life: Life | None = None) -> None:
        """A worker ends; what it still held goes back at once. Only if it `died`, that is counted as a crash.

        Nothing happens where another process than this `life` bears the name by now.
        """

    async def wait(self, queues: Sequence[str], timeout: float) -> None:
        """Return when there may be something to claim, or after `timeout` seconds."""

    async def wait_finished(self, job_id: str, timeout: float | None) -> State | None:
        """The final state once the job has ended; None after `timeout` seconds. Raises JobNotFound."""

    async def get(self, job_id: str) -> JobRecord:
        """With the history of its attempts. Raises JobNotFound."""

    async def arguments(self, job_id: str) -> bytes: ...

    async def result(self, job_id: str) -> bytes | None: ...

    async def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]: ...

    async def find(self, query: Query, limit: int = 50, after: int | str | None = None) -> Page: ...

    async def count(self, query: Query) -> int: ...

    async def queues(self) -> list[QueueInfo]: ...

    async def workers(self) -> list[WorkerInfo]: ...

    async def change(self, verb: str, query: Query) -> int:
        """retry, cancel, delete, hold or release every job that the query names; how many were changed.

        A running job is only marked by `cancel`, and its worker stops it; `delete` leaves running jobs alone.
        """

    async def prioritise(self, query: Query, priority: int) -> int:
        """Give every waiting job that the query names this priority, 0 to 9 (9 runs first); how many were.

        Running and finished jobs are left alone, and within a priority jobs stay in the order of age. Nobody who waits
        for work is woken. Raises ConfigError for another number.
        """

    async def pause(self, queue: str) -> None: ...

    async def resume(self, queue: str) -> None: ...

    async def limit(self, queue: str, running: int | None) -> None:
        """Let at most so many jobs of the queue run at once, of all workers together; None takes the limit away.

        What runs goes on; a claim leases no more than there is room for.
        """

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None: ...

    async def schedules(self) -> list[ScheduleInfo]: ...

    async def remove_schedule(self, name: str) -> bool: ...

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        """Enqueue a firing's jobs and move the schedule on, if it still stands at `due`; else change nothing, False."""

    async def prune(self, limit: int = 1000) -> int:
        """Forget finished jobs whose lifetime is over, and workers long dead; how many jobs went."""

    async def dump(self, after: int | str | None, limit: int) -> tuple[list[Snapshot], int | str | None]:
        """Whole jobs, oldest first, from the one that follows `after`, and the next `after`: None at the end.

        It changes nothing. A page may hold fewer than `limit` jobs, so that large ones fit into memory together.
        """

    async def restore(self, snapshots: Sequence[Snapshot]) -> int:
        """Take over jobs from another store, as they are `at_rest`; how many. All of them are taken over, or none.

        Those of one call keep their order. Jobs whose id is here already are left alone, and so are keys that
        another job holds here: the newcomer goes on without.
        """

    async def key_get(self, key: str) -> bytes | None: ...

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool: ...

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int: ...

    async def key_remove_if(self, key: str, value: bytes) -> bool: ...


class DirectStore(Protocol):
    """A store with a synchronous path for producers, without a hop through another thread."""

    def enqueue_now(self, jobs: Sequence[Job]) -> list[Enqueued]: ...


class TransactionalStore(Protocol):
    """A store that can write into the caller's own transaction."""

    def enqueue_on(self, connection: Any, jobs: Sequence[Job]) -> list[Enqueued]:
        """They exist if and only if its transaction commits. `enqueue_on_async` is for asynchronous connections."""


class Migrating(Protocol):
    """A store whose tables somebody brings up to date on purpose, and not whoever opens it first."""

    async def schema(self) -> tuple[int, int]:
        """The version of its tables, 0 without any, and the one that is needed. Works also where `open` refuses it."""

    async def migrate(self) -> tuple[int, int]:
        """Bring the tables up to date; the versions before and after. Raises NewerStore."""


def _given_back(taken: Snapshot, now: float) -> Snapshot:
    state, error = State.READY, taken.error
    if taken.cancel:
        state, error = State.CANCELLED, {"message": "cancelled while running"}
    elif taken.job.at_most_once:
        state, error = State.DEAD, {"message": "it ran when its store was copied, and it runs at most once"}
    ended = now if state.finished else None
    attempt = Attempt(
        number=taken.attempt,
        worker=taken.worker or "",
        started_at=now if taken.started_at is None else taken.started_at,
        ended_at=now,
        outcome="given back",
    )
    return msgspec.structs.replace(
        taken,
        state=state,
        error=error,
        cancel=False,
        worker=taken.worker if state.finished else None,
        finished_at=ended,
        expires_at=None if ended is None else ended + lifetime(state, taken.job.keep),
        attempts=(*(one for one in taken.attempts if one.number != attempt.number), attempt),
        holds_key=taken.holds_key and (ended is None or taken.unique_until is not None),
    )


def require_priority(priority: int) -> None:
    """Raises ConfigError for what is no priority."""
    if not 0 <= priority <= 9:
        raise ConfigError(f"a priority is 0 to 9 (9 runs first), not {priority}")


def lifetime(state: State, keep: float | None) -> float:
    """Seconds for which a job that has ended is kept, if it says `keep` itself."""
    return max(keep or 0, KEEP_DEAD) if state is State.DEAD else KEEP if keep is None else keep
