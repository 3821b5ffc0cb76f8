"""How a running job fares: whether its worker lives, and whether it takes longer or says less than usual."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from .answer import Next, Reason, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .situation import Situation

LONGER = 2.0
"""How many times as long as the longest of the last successes is worth saying."""

SILENT = 60.0
"""Seconds without a word that are worth saying, and no fewer than the usual duration."""

NEAR = 0.8
"""The part of its time-out after which that is worth saying."""


def reasons(situation: Situation) -> list[Reason]:
    if situation.crew.worker(situation.record.worker) is None:
        return [_gone(situation)]
    return [
        _progress(situation),
        *_of_worker(situation),
        *_of_time(situation),
        *_of_silence(situation),
        *_again(situation),
    ]


def _gone(situation: Situation) -> Reason:
    worker = situation.record.worker
    if situation.crew.alive:
        return Reason("worker_gone", {"worker": worker}, next=Next("taken_back"))
    start = Step("start_worker", "queuemgr worker MODULE:APP")
    return Reason("worker_gone_alone", {"worker": worker}, steps=(start,), next=Next("waits_for_person"))


def _progress(situation: Situation) -> Reason:
    record, now = situation.record, situation.now
    if record.cancel_requested:
        return Reason("being_stopped", next=Next("stops"))
    params: dict[str, float] = {"seconds": _ran(situation)}
    steps = (Step("cancel", f"queuemgr jobs cancel {record.id}"),)
    left = record.seconds_left(now)
    if left is not None:
        params |= {"left": left, "progress": record.progress or 0.0}
        return Reason("runs_with_progress", params, {"note": record.note}, steps, Next("ends_about", now + left))
    return Reason("runs", params, {"note": record.note}, steps, _usual_end(situation))


def _usual_end(situation: Situation) -> Next | None:
    """By the last successes, as long as that moment is still to come; else by its time-out."""
    started, taken = situation.record.started_at, situation.successes.durations if situation.successes else []
    if started is None:
        return None
    if taken and started + median(taken) > situation.now:
        return Next("ends_about", started + median(taken))
    return None if situation.timeout is None else Next("stopped_by_timeout", started + situation.timeout)


def _of_worker(situation: Situation) -> Iterator[Reason]:
    worker = situation.crew.worker(situation.record.worker)
    assert worker is not None
    silence = situation.now - worker.beat_at
    see = (Step("see_workers", "queuemgr workers list"),)
    if worker.state == "stopping":
        yield Reason("worker_stopping", {"worker": worker.id})
    if silence > situation.lease:
        yield Reason("worker_stuck", {"worker": worker.id, "seconds": silence}, steps=see)
    elif situation.remote and silence > situation.lease / 2:
        params = {"worker": worker.id, "seconds": silence, "lease": situation.lease}
        yield Reason("worker_silent", params, steps=see)


def _of_time(situation: Situation) -> Iterator[Reason]:
    ran, record = _ran(situation), situation.record
    taken = situation.successes.durations if situation.successes else []
    if taken:
        usual, longest = median(taken), max(taken)
        params = {"number": len(taken), "median": usual, "longest": longest}
        if ran > LONGER * longest and ran > 1:
            details = {"successes": [job.id for job in situation.successes.jobs[:5]] if situation.successes else []}
            step = Step("see_output", f"queuemgr jobs logs {record.id}")
            yield Reason("longer_than_usual", params | {"times": ran / max(usual, 1e-3)}, details, (step,))
        else:
            yield Reason("usual", params)
    if situation.timeout is not None and ran > NEAR * situation.timeout:
        left = situation.timeout - ran
        params = {"timeout": situation.timeout, "left": left, "late": -left}
        yield Reason("near_timeout" if left > 0 else "past_timeout", params)


def _of_silence(situation: Situation) -> Iterator[Reason]:
    record = situation.record
    taken = situation.successes.durations if situation.successes else []
    if situation.last_said is None or record.progress is not None:
        return
    silence = situation.now - situation.last_said
    if silence > max(SILENT, max(taken, default=0.0)):
        yield Reason("said_nothing", {"seconds": silence})


def _again(situation: Situation) -> Iterator[Reason]:
    record = situation.record
    if record.failures or record.crashes:
        yield Reason(
            "attempt_again", {"attempt": record.attempt, "failures": record.failures, "crashes": record.crashes}
        )


def _ran(situation: Situation) -> float:
    started = situation.record.started_at
    return max(0.0, situation.now - started) if started is not None else 0.0
