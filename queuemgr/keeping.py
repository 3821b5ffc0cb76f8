"""What every store does alike with what it keeps: texts and errors that can be written down, schedules, changes of
many jobs. It stores nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from .errors import CorruptStore
from .job import Attempt, State
from .schedule import decode_schedule
from .store import ScheduleInfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from .job import Job
    from .store import Query, Snapshot

CHOSEN, AT_ONCE = 10_000, 250
"""How many jobs are chosen by one reading, and how many are changed in one transaction."""


async def change_by_parts(
    query: Query,
    states: Sequence[State],
    newest: Callable[[Query, int, int | None], Awaitable[Sequence[int]]],
    change: Callable[[Query, Sequence[int] | None], Awaitable[int]],
) -> int:
    """Many jobs take several transactions, so that nobody waits long for the store. None is changed twice.

    Of `states` are the jobs that the change reaches. `newest` gives the numbers of so many of those that fit, the
    newest first, that stand before a number; `change` changes what still fits, of these numbers or of all.
    Where a part fails, those before it stay changed, and the same call again goes on with the others.
    """
    if query.ids:
        ids = tuple(dict.fromkeys(query.ids))
        parts = [replace(query, ids=ids[start : start + AT_ONCE]) for start in range(0, len(ids), AT_ONCE)]
        return sum([await change(part, None) for part in parts])
    asked = frozenset(query.states or State)
    query = replace(query, states=tuple(state for state in states if state in asked))
    changed, before, more = 0, None, bool(query.states)
    while more:
        numbers = await newest(query, CHOSEN, before)
        for start in range(0, len(numbers), AT_ONCE):
            changed += await change(query, numbers[start : start + AT_ONCE])
        more = len(numbers) == CHOSEN
        before = numbers[-1] if more else None
    return changed


def sound(text: str) -> str:
    """What a job says may hold halves of characters, which cannot be written down."""
    return text.encode("utf-8", "replace").decode()


def error_with(reason: str | None, error: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is kept of a run's error, with the reason for what follows from it; as text what cannot be written down."""
    if error is None and not reason:
        return None
    told = {"message": reason} if error is None else {**error, "reason": reason} if reason else error
    try:
        msgspec.json.encode(told)
    except UnicodeEncodeError:
        return {key: sound(str(value)) for key, value in told.items()}
    return told


class UnreadableSchedules(CorruptStore):
    """Some schedules are damaged, or of a newer version.

    `unreadable` tells their next firings by their names, and `readable` are all others.
    """

    def __init__(self, reason: str, unreadable: Mapping[str, float | None], readable: Sequence[ScheduleInfo]) -> None:
        super().__init__(reason)
        self.unreadable = unreadable
        self.readable = readable


def read_schedules(rows: Iterable[tuple[str, str, float | None, float | None, str | None]]) -> list[ScheduleInfo]:
    """Schedules from name, definition, next and last firing, and last job. Raises UnreadableSchedules."""
    readable: list[ScheduleInfo] = []
    unreadable: dict[str, float | None] = {}
    reason = ""
    for name, definition, next_at, last_at, last_job in rows:
        try:
            schedule = decode_schedule(definition)
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            unreadable[name] = next_at
            reason = reason or f"the schedule {name!r} is damaged ({error}): remove it and put it again"
        else:
            readable.append(ScheduleInfo(schedule=schedule, next_at=next_at, last_at=last_at, last_job=last_job))
    if unreadable:
        raise UnreadableSchedules(reason, unreadable, readable)
    return readable


def yielding(job: Job) -> Job:
    """A firing's job: nobody is there to be told that its key is taken."""
    if job.unique is None or job.unique.on_conflict != "reject":
        return job
    return msgspec.structs.replace(job, unique=msgspec.structs.replace(job.unique, on_conflict="existing"))


def told_by_job(taken: Snapshot, attempt: Attempt) -> bool:
    """Whether it is a success of which the job itself tells all, so that it is not written down a second time."""
    return taken.state is State.SUCCEEDED and attempt == Attempt(
        number=taken.attempt,
        worker=taken.worker or "",
        started_at=taken.started_at or 0,
        ended_at=taken.finished_at or 0,
        outcome="succeeded",
    )
