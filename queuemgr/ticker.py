"""Fires schedules that are due.

Any worker may tick: the store lets each firing happen once. It keeps no time of its own.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import BadSchedule, QueuemgrError, StoreError, StoreUnavailable
from .fault import point
from .keeping import UnreadableSchedules
from .recurrence import due_firings, next_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .schedule import Schedule
    from .store import ScheduleInfo, Store

TROUBLE = 1.0
"""Seconds to wait where the store fires nothing."""

log = logging.getLogger("queuemgr.worker")


async def tick(store: Store, now: float) -> int:
    """Enqueue the jobs of every schedule that is due at `now`; how many jobs."""
    fired = 0
    for info in await _readable(store):
        if info.next_at is not None and info.next_at <= now:
            fired += await _fire(store, info, now)
    return fired


async def tick_if_due(store: Store, next_due: float | None) -> bool:
    """`tick`, if what is due next is due now; whether there are new jobs."""
    if next_due is None or next_due > (now := store.clock.now()):
        return False
    try:
        return await tick(store, now) > 0
    except StoreError as error:
        # Producers, who import this too, do without it.
        import asyncio

        # What is due stays due: the caller would come back at once.
        log.warning("no schedules can be fired, next try in %.1f s: %s", TROUBLE, error)
        await asyncio.sleep(TROUBLE)
        return False


async def declare(store: Store, schedule: Schedule, now: float) -> None:
    """Put a schedule, or replace what it does and keep its next firing where its rule is the same."""
    known = {info.schedule.name: info for info in await _known(store)}.get(schedule.name)
    if known is not None and known.schedule.rule == schedule.rule:
        kept = replace(schedule, paused=known.schedule.paused)
        await store.put_schedule(kept, known.next_at)
    else:
        await store.put_schedule(schedule, next_after(schedule.rule, now))


async def _known(store: Store) -> Sequence[ScheduleInfo]:
    try:
        return await store.schedules()
    except UnreadableSchedules as error:
        return error.readable


async def _readable(store: Store) -> Sequence[ScheduleInfo]:
    """All that can be read. Others are stopped: they could never fire, and what is due would never be over."""
    try:
        return await store.schedules()
    except UnreadableSchedules as error:
        for name, next_at in error.unreadable.items():
            if next_at is not None:
                log.error("the schedule %s cannot be read and is stopped: %s", name, error)  # noqa: TRY400 - the sentence says it all
                await store.fire(name, next_at, None, [])
        return error.readable


async def _fire(store: Store, info: ScheduleInfo, now: float) -> int:
    schedule, due = info.schedule, info.next_at
    assert due is not None
    try:
        firings, next_at = due_firings(schedule.rule, due, now, schedule.missed)
    except BadSchedule as error:
        log.error("the schedule %s cannot fire and is stopped: %s", schedule.name, error)  # noqa: TRY400 - the sentence says it all
        firings, next_at = [], None
    jobs = [] if schedule.paused else [schedule.job_at(moment) for moment in firings]
    try:
        if not await store.fire(schedule.name, due, next_at, jobs):
            return 0
    except StoreUnavailable:
        raise
    except QueuemgrError as error:
        # Its next time may be better, and the others must not wait for it.
        log.error("the schedule %s could not fire, which it passes by: %s", schedule.name, error)  # noqa: TRY400 - as above
        await store.fire(schedule.name, due, next_at, [])
        return 0
    point("tick.committed")
    return len(jobs)
