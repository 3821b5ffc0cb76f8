"""Pages and counts of many jobs. Each question goes to the one index that has its answer in order; nothing is sorted.

Ready jobs stand in a single index, by queue, task and priority, because every further one would be written to at every
enqueue. Below these it is in the order of age, so a page of ready jobs is merged from there. What a count asks for that
names nothing but queue, task and states has been counted already.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import State
from queuemgr.store import Page, Query, QueueInfo

from . import counting, limits, statements
from .finding import with_ids
from .reading import COLUMNS, record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

NEWEST = (1 << 63) - 1
_STATES = frozenset(State)
_FEW = frozenset({State.SCHEDULED, State.RUNNING, State.HELD, State.PARKED, State.DEAD, State.CANCELLED})
_SUSPECT, _READY = "state = 1 AND crashes > 0", "state = 1 AND crashes = 0"
_TAGGED = "FROM queuemgr_tags CROSS JOIN queuemgr_jobs ON seq = job WHERE tag = ?"
_HAS_TAG = "EXISTS (SELECT 1 FROM queuemgr_tags WHERE tag = ? AND job = seq)"
_SUSPECT_QUEUES = statements.QUEUES.replace(_READY, _SUSPECT).replace("queuemgr_ready", "queuemgr_suspect")
_OLDEST = """
SELECT created_at FROM queuemgr_jobs INDEXED BY queuemgr_ready
WHERE state = 1 AND crashes = 0 AND queue = ? AND task = ? AND priority = ? ORDER BY seq LIMIT 1
"""


def find(query: Query, limit: int, after: int | str | None, connection: sqlite3.Connection) -> Page:
    keys = newest(query, limit, None if after is None else int(after), connection)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM queuemgr_jobs WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq DESC",
        (msgspec.json.encode(keys).decode(),),
    )
    jobs = [record(row) for row in rows]
    return Page(jobs, jobs[-1].position if len(keys) == limit and jobs else None)


def newest(query: Query, limit: int, before: int | None, connection: sqlite3.Connection) -> list[int]:
    """The numbers of the newest rows, of those that stand before the row `before`."""
    return nlargest(limit, _keys(query, limit, NEWEST if before is None else before, connection))


def count(query: Query, connection: sqlite3.Connection) -> int:
    found = 0
    for source, values in _sources_of_count(query, connection):
        found += connection.execute(f"SELECT {source}", values).fetchone()[0]
    return found


def is_counted(query: Query) -> bool:
    """Whether nothing is asked for that has not been counted."""
    return query == Query(states=query.states, queue=query.queue, task=query.task)


def _sources_of_count(query: Query, connection: sqlite3.Connection) -> Iterator[tuple[str, list[Any]]]:
    if is_counted(query) and not counting.is_behind(connection):
        where, values = conditions(query)
        yield f"coalesce(sum(number), 0) FROM {counting.TALLY} WHERE {where}", values
        return
    for part in _parts(query, connection):
        source, values = part.source()
        yield f"count(*) {source}", values


def queues(connection: sqlite3.Connection) -> list[QueueInfo]:
    counts: dict[str, Counter[State]] = {}
    for (queue, state), number in counting.of_queues(connection).items():
        if number and state in _STATES:
            counts.setdefault(queue, Counter())[State(state)] += number
    paused = {row[0] for row in connection.execute("SELECT queue FROM queuemgr_paused")}
    limited = limits.all_of(connection)
    return [
        QueueInfo(
            name=name,
            paused=name in paused,
            counts=counts.get(name, {}),
            oldest_ready=_oldest(connection, name),
            limit=limited.get(name),
        )
        for name in sorted({*counts, *paused, *limited})
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
        suspects = [query.queue] if query.queue is not None else _values(connection, _SUSPECT_QUEUES)
        for queue in suspects:
            yield _Part(replace(query, queue=queue), "suspect", _SUSPECT)
        for queue, task, priority in _lanes(connection, query.queue, query.task):
            in_order = f"{_READY} AND priority = {priority}"
            yield _Part(replace(query, queue=queue, task=task), "ready", in_order)
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


def _lanes(connection: sqlite3.Connection, queue: str | None, task: str | None) -> Iterator[tuple[str, str, int]]:
    """The parts of the index of ready jobs that are in the order of age: (queue, task, priority)."""
    for name in [queue] if queue is not None else _values(connection, statements.QUEUES):
        for one in [task] if task is not None else _values(connection, statements.TASKS, name):
            for priority in _values(connection, statements.PRIORITIES, name, one):
                yield name, one, priority


def _values(connection: sqlite3.Connection, sql: str, *within: str) -> list[Any]:
    return [row[0] for row in connection.execute(sql, within * 2)]


def _oldest(connection: sqlite3.Connection, queue: str) -> float | None:
    heads = (connection.execute(_OLDEST, lane).fetchone()[0] for lane in _lanes(connection, queue, None))
    return min(heads, default=None)
