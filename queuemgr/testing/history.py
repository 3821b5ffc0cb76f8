"""Holds a job's record against what every store promises of its history. It knows nothing of how the job came there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.job import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuemgr.job import JobRecord

AGAIN = frozenset({"failed", "crashed", "interrupted", "given back", "snoozed", "unknown task"})
"""How an attempt may end after which the job runs again."""

LAST = {
    State.SUCCEEDED: frozenset({"succeeded"}),
    State.DEAD: frozenset({"failed", "crashed", "interrupted", "given back", "undecodable"}),
}
"""How the last attempt of a finished job may have ended."""

WORDS = AGAIN | {"succeeded", "cancelled", "undecodable"}


def problems_of(record: JobRecord, *, retried: bool = False, clock_jumps: bool = False) -> list[str]:
    """What in the record contradicts itself, as sentences; none where all is well.

    `retried` says that somebody retried the finished job by hand, which starts its counts anew; `clock_jumps` that
    its times may be in disorder.
    """
    parts = [_numbers(record), _ends(record, retried), _counts(record, retried), _state(record)]
    if not clock_jumps:
        parts.append(_times(record))
    return [f"job {record.id} ({record.state.word}): {text}" for part in parts for text in part]


def words_of(record: JobRecord) -> list[str]:
    """How its attempts ended, the first one first."""
    return [attempt.outcome for attempt in record.attempts]


def _numbers(record: JobRecord) -> Iterator[str]:
    numbers = [attempt.number for attempt in record.attempts]
    ended = record.attempt - (record.state is State.RUNNING)
    if numbers != list(range(1, ended + 1)):
        yield f"{ended} attempts have ended and the history tells of {numbers}"


def _ends(record: JobRecord, retried: bool) -> Iterator[str]:
    words = words_of(record)
    if unknown := set(words) - WORDS:
        yield f"no attempt can end as {unknown}"
    allowed = LAST.get(record.state)
    if allowed and (not words or words[-1] not in allowed):
        yield f"its last attempt ended as {words[-1:] or 'nothing'}"
    earlier = words[:-1] if record.state.finished else words
    if not retried and (final := set(earlier) - AGAIN):
        yield f"it ran again after an attempt that ended as {final}"


def _counts(record: JobRecord, retried: bool) -> Iterator[str]:
    words = words_of(record)
    failed, crashed = words.count("failed"), words.count("crashed") + words.count("interrupted")
    if record.failures > failed or (record.failures < failed and not retried):
        yield f"it counts {record.failures} failures and {failed} attempts failed"
    if record.crashes > crashed:
        yield f"it counts {record.crashes} crashes and {crashed} attempts crashed"


def _state(record: JobRecord) -> Iterator[str]:
    finished = record.state.finished
    if record.state is State.RUNNING and (record.worker is None or record.started_at is None):
        yield "it runs, but where or since when is not known"
    if finished != (record.finished_at is not None) or finished != (record.expires_at is not None):
        yield f"it ended at {record.finished_at} and is kept until {record.expires_at}"
    if record.result_size is not None and record.state is not State.SUCCEEDED:
        yield "it has a result"
    if record.state is State.SCHEDULED and record.run_at is None:
        yield "it waits for a moment that never comes"


def _times(record: JobRecord) -> Iterator[str]:
    before = record.created_at
    for attempt in record.attempts:
        if not before <= attempt.started_at <= attempt.ended_at:
            yield f"attempt {attempt.number} ran from {attempt.started_at} to {attempt.ended_at}, after {before}"
        before = attempt.ended_at
