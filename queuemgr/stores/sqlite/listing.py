"""Pages and counts of many jobs. Each question goes to the one index that has its answer in order; nothing is sorted.

Ready jobs stand in a single index, by queue and priority, because every further one would be written to at every
enqueue. Within one queue and priority it is in the order of age, so a page of ready jobs is merged from there. Those of
one task are picked out of it: the only list that takes longer the more jobs wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import State
from queuemgr.store import Page, QueueInfo

from .finding import with_ids
from .reading import COLUMNS, record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from queuemgr.store import Query

NEWEST = (1 << 63) - 1
PRIORITIES = range(10)
_FEW = frozenset({State.SCHEDULED, State.RUNNING, State.HELD, State.PARKED, State.DEAD, State.CANCELLED})
_SUSPECT, _READY = "state = 1 AND crashes > 0", "state = 1 AND crashes = 0"
_TAGGED = "FROM queuemgr_tags CROSS JOIN queuemgr_jobs ON seq = job WHERE tag = ?"
_HAS_TAG = "EXISTS (SELECT 1 FROM queuemgr_tags WHERE tag = ? AND job = seq)"
_QUEUES_OF = """
WITH RECURSIVE found (name) AS (
    SELECT min(queue) FROM queuemgr_jobs INDEXED BY queuemgr_{index} WHERE {which}
    UNION ALL
    SELECT (SELECT min(queue) FROM queuemgr_jobs INDEXED BY queuemgr_{index} WHERE {which} AND queue > found.name)
    FROM found WHERE found.name IS NOT NULL)
SELECT name FROM found WHERE name IS NOT NULL
"""
_COUNTS = """
SELECT queue, 1, count(*) FROM queuemgr_jobs INDEXED BY queuemgr_ready WHERE state = 1 AND crashes = 0 GROUP BY queue
UNION ALL
SELECT queue, 1, count(*) FROM queuemgr_jobs INDEXED BY queuemgr_suspect WHERE state = 1 AND crashes > 0 GROUP BY queue
UNION ALL
SELECT queue, state, count(*) FROM queuemgr_jobs INDEXED BY queuemgr_by_state
WHERE state <> 1 AND state IN (0, 2, 3, 4) GROUP BY queue, state
UNION ALL
SELECT queue, done, count(*) FROM queuemgr_jobs INDEXED BY queuemgr_by_queue WHERE done > 0 GROUP BY queue, done
"""


def find(query: Query, limit: int, after: int | str | None, connection: sqlite3.Connection) -> Page:
    before = NEWEST if after is None else int(after)
    keys = nlargest(limit, _keys(query, limit, before, connection))
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM queuemgr_jobs WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq DESC",
        (msgspec.json.encode(keys).decode(),),
    )
    jobs = [record(row) for row in rows]
    return Page(jobs, jobs[-1].position if len(keys) == limit and jobs else None)


def count(query: Query, connection: sqlite3.Connection) -> int:
    found = 0
    for part in _parts(query, connection):
        source, values = part.source()
        found += connection.execute(f"SELECT count(*) {source}", values).fetchone()[0]
    return found


def queues(connection: sqlite3.Connection) -> list[QueueInfo]:
    counts: dict[str, dict[State, int]] = {}
    for queue, state, number in connection.execute(_COUNTS):
        of_queue = counts.setdefault(queue, {})
        of_queue[State(state)] = of_queue.get(State(state), 0) + number
    paused = {row[0] for row in connection.execute("SELECT queue FROM queuemgr_paused")}
    return [
        QueueInfo(name=name, paused=name in paused, counts=counts.get(name, {}), oldest_ready=_oldest(connection, name))
        for name in sorted({*counts, *paused})
    ]


def conditions(query: Query) -> tuple[str, list[Any]]:
    """The query as a WHERE clause on queuemgr_jobs and its values."""
    parts: list[tuple[str, list[Any]]] = []
    if query.ids:
        parts.append(with_ids(query.ids))
    if query.states:
        parts.append((f"state IN ({','.join('?' * len(query.states))})", list(query.states)))
    if query.tag is not None:
        parts.append(("seq IN (SELECT job FROM queuemgr_tags WHERE tag = ?)", [query.tag]))
    if query.error is not None:
        parts.append(("instr(error, ?)", [query.error]))
    for column, operator, value in (
        ("queue", "=", query.queue),
        ("task", "=", query.task),
        ("worker", "=", query.worker),
        ("created_at", ">=", query.created_after),
        ("created_at", "<", query.created_before),
    ):
        if value is not None:
            parts.append((f"{column} {operator} ?", [value]))
    where = " AND ".join(part for part, _ in parts) or "1"
    return where, [value for _, values in parts for value in values]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an answer that one index has in order; `which` repeats the index's own condition word by word."""

    query: Query
    index: str = ""
    which: str = "1"

    def source(self) -> tuple[str, list[Any]]:
        """FROM and WHERE, and their values."""
        # A tag has its jobs in order; beside another index it is asked for each job. As a list it would be read whole.
        tags = [] if self.query.tag is None or not self.index else [self.query.tag]
        where, values = conditions(replace(self.query, tag=None) if tags else self.query)
        if self.index == "tag":
            return f"{_TAGGED} AND {where}", tags + values
        where = f"{where} AND {_HAS_TAG}" if tags else where
        hint = f" INDEXED BY queuemgr_{self.index}" if self.index else ""
        return f"FROM queuemgr_jobs{hint} WHERE {self.which} AND {where}", values + tags


def _parts(query: Query, connection: sqlite3.Connection) -> Iterator[_Part]:
    """Parts that do not overlap and together are the answer."""
    if query.ids:
        yield _Part(query)
    elif query.tag is not None and not (query.states and _FEW.issuperset(query.states)):
        yield _Part(query, "tag")
    elif query.states or query.queue is not None or query.task is not None:
        for state in dict.fromkeys(query.states or tuple(State)):
            yield from _parts_of(state, replace(query, states=()), connection)
    else:
        yield _Part(query)


def _parts_of(state: State, query: Query, connection: sqlite3.Connection) -> Iterator[_Part]:
    if state is State.READY:
        for name in _queues_of(connection, query, "suspect", _SUSPECT):
            yield _Part(replace(query, queue=name), "suspect", _SUSPECT)
        for name in _queues_of(connection, query, "ready", _READY):
            for priority in PRIORITIES:
                yield _Part(replace(query, queue=name), "ready", f"{_READY} AND priority = {priority}")
    elif state.finished and (query.queue is not None or query.task is not None):
        # `IS`, because beside `done > 0` the planner would pass over `done = 5` and sort.
        yield _Part(query, "by_queue" if query.queue is not None else "by_task", f"done IS {state:d} AND done > 0")
    else:
        yield _Part(query, "by_state", f"state = {state:d} AND state <> 1")


def _keys(query: Query, limit: int, before: int, connection: sqlite3.Connection) -> Iterator[int]:
    """For each part of the answer its newest rows; the page is the newest of all."""
    for part in _parts(query, connection):
        source, values = part.source()
        key = "job" if part.index == "tag" else "seq"
        rows = connection.execute(
            f"SELECT {key} {source} AND {key} < ? ORDER BY {key} DESC LIMIT ?", [*values, before, limit]
        )
        yield from (row[0] for row in rows)


def _queues_of(connection: sqlite3.Connection, query: Query, index: str, which: str) -> list[str]:
    if query.queue is not None:
        return [query.queue]
    return [row[0] for row in connection.execute(_QUEUES_OF.format(index=index, which=which))]


def _oldest(connection: sqlite3.Connection, queue: str) -> float | None:
    oldest = [
        row[0]
        for priority in PRIORITIES
        for row in connection.execute(
            "SELECT created_at FROM queuemgr_jobs INDEXED BY queuemgr_ready"
            " WHERE state = 1 AND crashes = 0 AND queue = ? AND priority = ? ORDER BY seq LIMIT 1",
            (queue, priority),
        )
    ]
    return min(oldest, default=None)
