"""Which workers could run a job, and what keeps each of them from it. It asks nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuemgr.job import JobRecord
    from queuemgr.store import WorkerInfo


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers as one job of `task` in `queue` sees them."""

    workers: Sequence[WorkerInfo]
    queue: str
    task: str
    alive: list[WorkerInfo] = field(init=False)
    takers: list[WorkerInfo] = field(init=False)
    fitting: list[WorkerInfo] = field(init=False)
    open: list[WorkerInfo] = field(init=False)

    def __post_init__(self) -> None:
        alive = [one for one in self.workers if one.alive]
        takers = [one for one in alive if self.queue in one.queues]
        fitting = [one for one in takers if self.task in one.tasks]
        for name, value in (
            ("alive", alive),
            ("takers", takers),
            ("fitting", fitting),
            ("open", [one for one in fitting if one.state == "running"]),
        ):
            object.__setattr__(self, name, value)

    @property
    def tasks(self) -> set[str]:
        return {name for one in self.alive for name in one.tasks}

    @property
    def queues(self) -> set[str]:
        return {name for one in self.alive for name in one.queues}

    def worker(self, worker_id: str | None) -> WorkerInfo | None:
        """A living one."""
        return next((one for one in self.alive if one.id == worker_id), None)


def crew_of(record: JobRecord, workers: Sequence[WorkerInfo]) -> Crew:
    return Crew(workers, record.queue, record.task)


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name that somebody may have meant; empty where none is near."""
    near = get_close_matches(wrong, sorted(known), n=1, cutoff=0.6)
    return near[0] if near else ""
