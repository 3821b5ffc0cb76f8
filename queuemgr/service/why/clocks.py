"""Clocks that do not agree. The store's own clock is the measure; the job's times were taken by others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answer import Reason, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .situation import Situation

TOLERATED = 2.0
"""Seconds by which clocks may differ unnoticed."""

_LOOK = Step("see_clock", "timedatectl status")


def reasons(situation: Situation) -> Iterator[Reason]:
    record, now = situation.record, situation.now
    if record.created_at > now + TOLERATED:
        yield Reason("clock_of_producer", {"seconds": record.created_at - now}, steps=(_LOOK,))
    for worker in situation.crew.fitting:
        ahead = max(worker.beat_at, worker.started_at) - now
        if ahead > TOLERATED:
            yield Reason("clock_of_worker", {"worker": worker.id, "seconds": ahead}, steps=(_LOOK,))
    for attempt in record.attempts[-5:]:
        back = attempt.started_at - attempt.ended_at
        if back > TOLERATED:
            yield Reason("clock_went_back", {"attempt": attempt.number, "seconds": back}, steps=(_LOOK,))
