"""Whole jobs out of this store and into it, a page at a time. It decides nothing about a job."""

from __future__ import annotations

from string import hexdigits
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import Job, Unique, new_id, order_of
from queuemgr.keeping import told_by_job
from queuemgr.store import Query, Snapshot

from .listing import indexes_of
from .packing import (
    blob,
    pack_attempt,
    pack_error,
    pack_line,
    packed_job,
    read_asked,
    read_history,
    read_line,
    read_record,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .server import Server

HEAVY = 8 * 1024 * 1024
"""Bytes of arguments, results and output after which a page is full."""


async def dump(
    server: Server, after: int | str | None, limit: int, now: float
) -> tuple[list[Snapshot], int | str | None]:
    indexes = await indexes_of(server, Query())
    edge = None if after is None else str(after)
    given = {"indexes": indexes, "edge": edge, "limit": limit, "heavy": HEAVY, "ascending": True}
    told = await server.run("dump", given)
    return [_snapshot(one, now) for one in told], told[-1][0].decode() if told else None


async def restore(server: Server, snapshots: Sequence[Snapshot], now: float) -> int:
    jobs, behind = [], None
    for snapshot in snapshots:
        behind = _place(snapshot.job, behind)
        jobs.append(_packed(snapshot.at_rest(now), behind))
    restored: int = await server.run("restore", {"jobs": jobs})
    return restored


def _snapshot(told: list[Any], now: float) -> Snapshot:
    place, packed, _, _, _, large, result, holds, until, attempts, output = told
    record, (asked, args) = read_record(told[:5]), read_asked(packed, place.decode())
    window = float(until) if until is not None and float(until) > now else None
    return Snapshot(
        job=Job(
            id=record.id,
            task=record.task,
            args=large or b"" if asked.apart else args,
            queue=record.queue,
            priority=record.priority,
            run_at=record.run_at,
            created_at=record.created_at,
            keep=asked.keep,
            at_most_once=asked.at_most_once,
            crash_budget=asked.crash_budget,
            unique=None if asked.unique is None else Unique(asked.unique),
            tags=record.tags,
            options=record.options or None,
        ),
        cancel=record.cancel_requested,
        attempts=read_history(record, attempts),
        output=tuple(read_line(number, line) for number, line in enumerate(output, 1)),
        result=result,
        holds_key=bool(holds) or window is not None,
        unique_until=window,
        **{name: getattr(record, name) for name in _SAME},
    )


_SAME = (
    *("state", "attempt", "failures", "crashes", "started_at", "finished_at", "expires_at"),
    *("worker", "progress", "note", "error"),
)


def _packed(taken: Snapshot, place: str) -> list[Any]:
    """A whole job as `lua/restore.lua` reads it."""
    job = taken.job
    entry = packed_job(msgspec.structs.replace(job, run_at=None, delay=None, held=True), place)
    run = [int(taken.state), job.queue, entry[4], taken.attempt, taken.failures, taken.crashes, job.run_at]
    run += [taken.started_at, taken.finished_at, taken.expires_at, taken.worker, taken.progress, taken.note]
    run += [taken.cancel or None, None]
    return [
        *entry,
        [False if value is None else value for value in run],
        pack_error(taken.error),
        None if taken.result is None else blob(taken.result),
        taken.holds_key,
        taken.unique_until,
        [pack_attempt(one) for one in taken.attempts if not told_by_job(taken, one)],
        [pack_line(line.attempt, line.at, line.stream, line.text) for line in taken.output],
    ]


def _place(job: Job, behind: str | None) -> str:
    """Where the job stands. Where its id does not tell that: behind the one before it, or by the time of its making."""
    if order_of(job.id) is not None:
        return job.id
    if behind is not None and all(letter in hexdigits for letter in behind[:36].replace("-", "")):
        number = f"{int(behind[:36].replace('-', ''), 16) + 1:032x}"
    else:
        number = f"{max(0, int(job.created_at * 1000)):012x}{new_id().replace('-', '')[12:]}"
    text = f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:]}"
    return f"{text}~{job.id}"
