"""The contract of a dialect: how a foreign ecosystem writes jobs down, and what a store over its keys can promise.

`queuemgr.testing.dialect.suite.DialectSuite` is this contract as tests. Records stay in the foreign system in their own
form; nothing here names an ecosystem.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from .errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .job import Job, State
    from .schedule import Schedule
    from .store import OutputLine, Query, Report, ScheduleInfo, Snapshot

W = TypeVar("W")


class Ability(StrEnum):
    """What a dialect's store may promise beyond enqueue, claim, settle, wait and looking.

    A promise is tested both ways: what is declared works, and what is not raises Unsupported and names the way out.
    """

    DELAYS = "delays"
    PRIORITIES = "priorities"
    UNIQUE = "unique keys"
    REPLACING = "replacing the holder of a unique key"
    AT_MOST_ONCE = "jobs that run at most once"
    HOLDING = "held jobs"
    CANCELLING = "cancelling"
    RETRYING = "retrying"
    DELETING = "deleting"
    PAUSING = "paused queues"
    LIMITS = "limits of queues"
    RESULTS = "results"
    ENDS = "waiting for a job's end"
    OUTPUT = "output of jobs"
    SCHEDULES = "schedules"
    KEYS = "keys and values"
    COPYING = "handing jobs to another store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the envelope of a foreign record says, in our words. Its contents have not been looked at.

    `names` are what a task for it may be called, the most exact first. `failures` and `crashes` are what it has behind
    it. `over` says why it may not run again, by the foreign system's own rules; `options` are what it asks for itself.
    """

    id: str
    names: tuple[str, ...]
    failures: int = 0
    crashes: int = 0
    options: dict[str, Any] | None = None
    at_most_once: bool = False
    created_at: float | None = None
    tags: tuple[str, ...] = ()
    unique_key: str | None = None
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """The arguments, as the JSON codec writes them; or why only a worker of the foreign system may run this job."""

    args: bytes
    obstacle: str | None = None


class Dialect(Protocol[W]):
    """A format. `W` is a record as the foreign system holds it: bytes, or fields of bytes."""

    name: str
    abilities: frozenset[Ability]

    def write(self, job: Job, now: float) -> W:
        """The record of a new job. Raises Unsupported for what was not declared, BadArguments for arguments."""

    def read(self, record: W, now: float) -> Reading:
        """Raises UndecodableError for what the foreign system's own worker could not run either."""

    def open(self, record: W) -> Contents:
        """Look inside. Nothing that is found there is run. Raises UndecodableError."""

    def restate(self, record: W, failures: int) -> W:
        """The same record after so many failures. All that is not ours comes back byte for byte."""


def refuse(ability: Ability, ways_out: Mapping[Ability, str]) -> NoReturn:
    """Raise Unsupported with the way out that the dialect names."""
    raise Unsupported(ways_out[ability])


def check(job: Job, abilities: frozenset[Ability], ways_out: Mapping[Ability, str]) -> None:
    """Raises Unsupported where the job asks for more than was declared."""
    asked = {
        Ability.DELAYS: job.delay is not None or job.run_at is not None,
        Ability.PRIORITIES: job.priority != 0,
        Ability.UNIQUE: job.unique is not None,
        Ability.REPLACING: job.unique is not None and job.unique.on_conflict == "replace",
        Ability.AT_MOST_ONCE: job.at_most_once,
        Ability.HOLDING: job.held,
    }
    for ability, wanted in asked.items():
        if wanted and ability not in abilities:
            refuse(ability, ways_out)


class Limited:
    # ruff: noqa: ARG002 - the arguments are the contract's
    """The answers of a store to what its ecosystem has nothing for. A store overrides what it declares.

    Reports of running jobs are dropped, because every worker makes them; a store without schedules has none.
    """

    ways_out: Mapping[Ability, str]

    async def report(self, reports: Sequence[Report]) -> None:
        pass

    async def schedules(self) -> list[ScheduleInfo]:
        return []

    async def result(self, job_id: str) -> bytes | None:
        refuse(Ability.RESULTS, self.ways_out)

    async def wait_finished(self, job_id: str, timeout: float | None) -> State | None:
        refuse(Ability.ENDS, self.ways_out)

    async def output(self, job_id: str, after: int = 0, limit: int = 1000) -> list[OutputLine]:
        refuse(Ability.OUTPUT, self.ways_out)

    async def prioritise(self, query: Query, priority: int) -> int:
        refuse(Ability.PRIORITIES, self.ways_out)

    async def pause(self, queue: str) -> None:
        refuse(Ability.PAUSING, self.ways_out)

    async def resume(self, queue: str) -> None:
        refuse(Ability.PAUSING, self.ways_out)

    async def limit(self, queue: str, running: int | None) -> None:
        refuse(Ability.LIMITS, self.ways_out)

    async def put_schedule(self, schedule: Schedule, next_at: float | None) -> None:
        refuse(Ability.SCHEDULES, self.ways_out)

    async def remove_schedule(self, name: str) -> bool:
        refuse(Ability.SCHEDULES, self.ways_out)

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        refuse(Ability.SCHEDULES, self.ways_out)

    async def dump(self, after: int | str | None, limit: int) -> tuple[list[Snapshot], int | str | None]:
        refuse(Ability.COPYING, self.ways_out)

    async def restore(self, snapshots: Sequence[Snapshot]) -> int:
        refuse(Ability.COPYING, self.ways_out)

    async def key_get(self, key: str) -> bytes | None:
        refuse(Ability.KEYS, self.ways_out)

    async def key_put_if_absent(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        refuse(Ability.KEYS, self.ways_out)

    async def key_add(self, key: str, amount: int, ttl: float | None = None) -> int:
        refuse(Ability.KEYS, self.ways_out)

    async def key_remove_if(self, key: str, value: bytes) -> bool:
        refuse(Ability.KEYS, self.ways_out)
