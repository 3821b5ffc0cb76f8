"""Accepts many jobs with few statements: those in a row that differ in nothing but their ids, moments and arguments.

Jobs with unique keys, and those that find their place taken, go the way of a single job (store.py).
"""

from __future__ import annotations

import sqlite3
from itertools import groupby, product
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from queuemgr.batch import Batch
from queuemgr.store import Enqueued

from .statements import COLUMNS, COUNTED_UPTO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from queuemgr.job import Job

FEW, MANY = 10, 100
"""How many rows one statement takes. More of them make it no faster, and longer to prepare."""

_alike = attrgetter(
    *("unique", "tags", "queue", "task", "priority", "run_at", "delay", "keep", "at_most_once", "held"),
    *("crash_budget", "options"),
)
_OWN = ("seq", "id", "args", "created_at")
_OF_ONE_MOMENT = _OWN[:-1]


def accept(
    connection: sqlite3.Connection,
    jobs: Sequence[Job],
    accept_one: Callable[[Job], Enqueued],
    row_of: Callable[[Job], tuple[Any, ...]],
) -> list[Enqueued]:
    """What `accept_one` answers to every job. `row_of` is a job's row, in the order of COLUMNS."""
    done: list[Enqueued] = []
    for batch in _batches(jobs):
        row = row_of(batch.like) if batch.like.unique is None else None
        for some in _pieces(batch):
            if row is not None and len(some) >= FEW and _insert(connection, some, row):
                done.extend(map(Enqueued, some.ids))
            else:
                done.extend(map(accept_one, some))
    return done


def _batches(jobs: Sequence[Job]) -> Iterator[Batch]:
    if isinstance(jobs, Batch):
        yield jobs
    else:
        for _, alike in groupby(jobs, key=_alike):
            yield Batch.of(list(alike))


def _pieces(batch: Batch) -> Iterator[Batch]:
    """As large as there are statements for, and what is left over."""
    start = 0
    for size in (MANY, FEW):
        while len(batch) - start >= size:
            yield batch[start : start + size]
            start += size
    if start < len(batch):
        yield batch[start:]


def _insert(connection: sqlite3.Connection, jobs: Batch, row: tuple[Any, ...]) -> bool:
    """Whether there is a new row for each of them; else nothing was changed. `row` is that of the pattern."""
    oldest = min(jobs.orders)
    if oldest < 0:
        return False
    own = _OF_ONE_MOMENT if set(jobs.moments) == {jobs.like.created_at} else _OWN
    values = [value for name, value in zip(COLUMNS, row, strict=True) if name not in own]
    values += _woven((jobs.orders, jobs.ids, jobs.args, jobs.moments)[: len(own)])
    try:
        if not connection.execute(_STATEMENTS[len(jobs), own], [*values, oldest]).rowcount:
            return False
    except sqlite3.IntegrityError:
        return False
    if tags := jobs.like.tags:
        connection.executemany("INSERT OR IGNORE INTO queuemgr_tags VALUES (?, ?)", product(tags, jobs.orders))
    return True


def _woven(columns: Sequence[Sequence[Any]]) -> list[Any]:
    """The values of the columns, row by row; in less time than a tuple for each row takes."""
    woven = [None] * (len(columns) * len(columns[0]))
    for place, column in enumerate(columns):
        woven[place :: len(columns)] = column
    return woven


def _statement(rows: int, own: tuple[str, ...]) -> str:
    picked = (f"column{own.index(name) + 1}" if name in own else "?" for name in COLUMNS)
    values = ", ".join([f"({', '.join('?' * len(own))})"] * rows)
    return f"""INSERT INTO queuemgr_jobs ({", ".join(COLUMNS)}) SELECT {", ".join(picked)} FROM (VALUES {values})
               WHERE ? > {COUNTED_UPTO}"""


_STATEMENTS = {(rows, own): _statement(rows, own) for rows, own in product((FEW, MANY), (_OWN, _OF_ONE_MOMENT))}
