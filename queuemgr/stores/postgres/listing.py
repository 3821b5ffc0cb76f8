"""Pages and counts of many jobs. Each question is put together from parts that one index has in order.

It changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from queuemgr.job import State
from queuemgr.store import Page, QueueInfo

from .finding import conditions
from .reading import COLUMNS, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuemgr.store import Query

    from .connecting import Connection

NEWEST = (1 << 63) - 1
PRIORITIES = range(10)

_COUNTS = """
SELECT queue, 1, count(*) FROM jobs WHERE state = 1 AND crashes = 0 GROUP BY queue
UNION ALL
SELECT queue, 1, count(*) FROM jobs WHERE state = 1 AND crashes > 0 GROUP BY queue
UNION ALL
SELECT queue, 2, count(*) FROM jobs WHERE state = 2 GROUP BY queue
UNION ALL
SELECT queue, state, count(*) FROM jobs WHERE state IN (0, 3, 4) GROUP BY queue, state
UNION ALL
SELECT queue, state, count(*) FROM done GROUP BY queue, state
"""
# The oldest job of each priority stands at the head of its part of the index; from one part it leaps to the next.
_OLDEST = """
WITH RECURSIVE head AS (
    SELECT name, first.* FROM unnest(%s::text[]) AS name, LATERAL (
        SELECT priority, created_at FROM jobs WHERE state = 1 AND crashes = 0 AND queue = name
        ORDER BY priority DESC, seq LIMIT 1) AS first
    UNION ALL
    SELECT name, next.* FROM head, LATERAL (
        SELECT priority, created_at FROM jobs WHERE state = 1 AND crashes = 0 AND queue = name
        AND priority < head.priority ORDER BY priority DESC, seq LIMIT 1) AS next)
SELECT name, min(created_at) FROM head GROUP BY name
"""


def find(query: Query, limit: int, after: int | str | None, connection: Connection) -> Page:
    page, values = _newest(query, limit, None if after is None else int(after))
    rows = connection.execute(f"SELECT {COLUMNS} FROM every WHERE seq = ANY(ARRAY({page})) ORDER BY seq DESC", values)
    jobs = [record(row) for row in rows]
    return Page(jobs, jobs[-1].position if len(jobs) == limit and jobs else None)


def newest(query: Query, limit: int, before: int | None, connection: Connection) -> list[int]:
    """The numbers of the newest jobs, of those that stand before the number `before`."""
    return [row[0] for row in connection.execute(*_newest(query, limit, before))]


def _newest(query: Query, limit: int, before: int | None) -> tuple[str, dict[str, Any]]:
    branches: list[str] = []
    values: dict[str, Any] = {"before": NEWEST if before is None else before, "limit": limit}
    for part in _parts(query):
        where, of_part = conditions(part.query)
        values |= of_part
        branches.append(
            f"(SELECT job.seq FROM {part.table} AS job WHERE {part.which} AND {where}"
            " AND job.seq < %(before)s ORDER BY job.seq DESC LIMIT %(limit)s)"
        )
    return f"SELECT seq FROM ({' UNION ALL '.join(branches)}) AS part ORDER BY seq DESC LIMIT %(limit)s", values


def count(query: Query, connection: Connection) -> int:
    sums: list[str] = []
    values: dict[str, Any] = {}
    for part in _parts(query):
        where, of_part = conditions(part.query)
        values |= of_part
        sums.append(f"(SELECT count(*) FROM {part.table} AS job WHERE {part.which} AND {where})")
    row = connection.execute(f"SELECT {' + '.join(sums)}", values).fetchone()
    return int(row[0]) if row else 0


def queues(connection: Connection) -> list[QueueInfo]:
    counts: dict[str, dict[State, int]] = {}
    for queue, state, number in connection.execute(_COUNTS):
        of_queue = counts.setdefault(queue, {})
        of_queue[State(state)] = of_queue.get(State(state), 0) + number
    paused = {row[0] for row in connection.execute("SELECT queue FROM paused")}
    limits: dict[str, int] = dict(connection.execute("SELECT queue, running FROM limits").fetchall())
    ready = [queue for queue, of_queue in counts.items() if State.READY in of_queue]
    oldest: dict[str, float] = dict(connection.execute(_OLDEST, (ready,)).fetchall())
    return [
        QueueInfo(
            name=name,
            paused=name in paused,
            counts=counts.get(name, {}),
            oldest_ready=oldest.get(name),
            limit=limits.get(name),
        )
        for name in sorted({*counts, *paused, *limits})
    ]


def jobs_in(found: list[QueueInfo]) -> int:
    return sum(sum(queue.counts.values()) for queue in found)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an answer that one index of `table` has in order; `which` says it in the words of the index."""

    query: Query
    table: str = "every"
    which: str = "true"


def _parts(query: Query) -> Iterator[_Part]:
    """Parts that do not overlap and together are the answer."""
    if query.ids or query.tag is not None:
        yield _Part(query)
    elif query.states or query.queue is not None or query.task is not None:
        for state in dict.fromkeys(query.states or tuple(State)):
            yield from _parts_of(state, replace(query, states=()))
    else:
        yield _Part(query, "jobs")
        yield _Part(query, "done")


def _parts_of(state: State, query: Query) -> Iterator[_Part]:
    table = "done" if state.finished else "jobs"
    if state is State.READY and query.queue is not None:
        yield _Part(query, table, "job.state = 1 AND job.crashes > 0")
        for priority in PRIORITIES:
            yield _Part(query, table, f"job.state = 1 AND job.crashes = 0 AND job.priority = {priority}")
    else:
        yield _Part(query, table, f"job.state = {state:d}")
