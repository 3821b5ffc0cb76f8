"""How many jobs of a queue may run at a time, and how many do. The one place that asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from queuemgr.job import State

if TYPE_CHECKING:
    from queuemgr.store import QueueInfo


@dataclass(frozen=True, slots=True)
class Limit:
    limit: int
    running: int

    @property
    def reached(self) -> bool:
        return self.running >= self.limit


def limit_of(queue: QueueInfo | None) -> Limit | None:
    """None where the queue has no limit."""
    if queue is None or queue.limit is None:
        return None
    return Limit(queue.limit, queue.counts.get(State.RUNNING, 0))
