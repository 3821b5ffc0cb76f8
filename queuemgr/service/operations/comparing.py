"""Says of every job in one store whether another one has it, in the same state. It changes neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.store import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuemgr.job import JobRecord
    from queuemgr.service.facts import Facts
    from queuemgr.store import Store

PAGE = 500
EXAMPLES = 10

_DUE = frozenset({State.SCHEDULED, State.READY})
_GIVEN_BACK = frozenset({State.READY, State.DEAD, State.CANCELLED})


@dataclass(slots=True)
class Comparison:
    """`source` counts its jobs by state, `target` those of them that are there, too, in the same state."""

    source: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    target: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    missing: int = 0
    changed: int = 0
    examples: list[Facts] = field(default_factory=list)
    others: int = 0

    @property
    def facts(self) -> Facts:
        return {
            "states": {state.word: {"from": self.source[state], "to": self.target[state]} for state in State},
            "missing": self.missing,
            "changed": self.changed,
            "differing": self.examples,
            "others": self.others,
            "equal": not (self.missing or self.changed),
        }

    def add(self, job: JobRecord, found: State | None) -> None:
        self.source[job.state] += 1
        if found is not None and _agree(job.state, found):
            self.target[job.state] += 1
            return
        self.missing += found is None
        self.changed += found is not None
        if len(self.examples) < EXAMPLES:
            self.examples.append({"id": job.id, "from": job.state.word, "to": found and found.word})


async def compare(source: Store, target: Store, told: Callable[[str, int, int], None]) -> Comparison:
    """Job by job, in pages. `told` hears what is done, how many jobs are done, and how many there are."""
    total = await source.count(Query())
    comparison, after, done = Comparison(), None, 0
    while True:
        page = await source.find(Query(), PAGE, after)
        states = await _states(target, page.jobs)
        for job in page.jobs:
            comparison.add(job, states.get(job.id))
        done += len(page.jobs)
        told("comparing", done, max(done, total))
        after = page.after
        if after is None:
            comparison.others = max(0, await target.count(Query()) - done + comparison.missing)
            return comparison


async def _states(target: Store, jobs: Sequence[JobRecord]) -> dict[str, State]:
    if not jobs:
        return {}
    found = await target.find(Query(ids=tuple(job.id for job in jobs)), len(jobs))
    return {job.id: job.state for job in found.jobs}


def _agree(here: State, there: State) -> bool:
    """A job becomes due by itself; one that ran was given back."""
    return here is there or {here, there} <= _DUE or (here is State.RUNNING and there in _GIVEN_BACK)
