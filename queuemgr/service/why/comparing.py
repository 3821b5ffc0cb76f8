"""A job that failed beside the last success of its task: what was different. It compares and judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from queuemgr.results.shape import sample_of
from queuemgr.service.payloads import arguments_of, untagged

from .lately import ran_for

if TYPE_CHECKING:
    from queuemgr.job import JobRecord
    from queuemgr.service.told.why import ComparisonFacts, DifferenceFacts
    from queuemgr.store import Store

READ = 64 * 1024
"""Bytes of arguments beyond which only their size is compared."""

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is "arguments", "worker", "host", "duration" or "attempts"; `name` says which argument."""

    what: str
    then: Any
    now: Any
    name: str | None = None

    @property
    def facts(self) -> DifferenceFacts:
        return {"what": self.what, "name": self.name, "then": self.then, "now": self.now}


@dataclass(frozen=True, slots=True)
class Comparison:
    success: JobRecord
    differences: tuple[Difference, ...]

    @property
    def telling(self) -> list[str]:
        """What a failure may well come from: not every worker, duration and number of attempts is the same."""
        return [what for what in ("arguments", "host") if any(one.what == what for one in self.differences)]

    @property
    def facts(self) -> ComparisonFacts:
        differences = [one.facts for one in self.differences]
        return {"id": self.success.id, "finished_at": self.success.finished_at, "differences": differences}


async def compared(store: Store, record: JobRecord, success: JobRecord) -> Comparison:
    then, now = await store.arguments(success.id), await store.arguments(record.id)
    found = list(_of_arguments(then, now))
    for what, before, after in (
        ("worker", success.worker, _worker_of(record)),
        ("host", _host(success.worker), _host(_worker_of(record))),
        ("duration", ran_for(success), _duration_of(record)),
        ("attempts", success.attempt, record.attempt),
    ):
        if before != after and before is not None and after is not None:
            found.append(Difference(what, before, after))
    return Comparison(success, tuple(found))


def _of_arguments(then: bytes, now: bytes) -> list[Difference]:
    if then == now:
        return []
    if max(len(then), len(now)) > READ:
        return [Difference("arguments", f"{len(then):,} bytes", f"{len(now):,} bytes")]
    before, after = _named(then), _named(now)
    return [
        Difference("arguments", before.get(name), after.get(name), name)
        for name in dict.fromkeys((*before, *after))
        if before.get(name, _NOTHING) != after.get(name, _NOTHING)
    ]


def _named(data: bytes) -> dict[str, Any]:
    """The arguments by name, or by number from 1; secrets as dots."""
    seen = arguments_of(data)
    values = {str(number): value for number, value in enumerate(seen["positional"], 1)} | seen["named"]
    return {name: sample_of(untagged(value), 3) for name, value in values.items()}


def _worker_of(record: JobRecord) -> str | None:
    return record.worker or (record.attempts[-1].worker if record.attempts else None)


def _duration_of(record: JobRecord) -> float | None:
    return record.attempts[-1].duration if record.attempts else ran_for(record)


def _host(worker: str | None) -> str | None:
    """Workers bear the name of their machine first, unless somebody has named them."""
    return worker.split(":")[0] if worker and worker.count(":") >= 2 else None
