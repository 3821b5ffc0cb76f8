"""Accepts many jobs with few statements: those in a row that differ in nothing but their ids, moments and arguments.

Jobs with unique keys, and those that find their place taken, go the way of a single job (store.py).
"""

from __future__ import annotations

import sqlite3
from itertools import groupby, product
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from queuemgr.job import order_of
from queuemgr.store import Enqueued

from .statements import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuemgr.job import Job

FEW, MANY = 10, 100
"""How many rows one statement takes. More of them make it no faster, and longer to prepare."""

_alike = attrgetter(
    *("unique", "tags", "queue", "task", "priority", "run_at", "delay", "keep", "at_most_once", "held"),
    *("crash_budget", "options"),
)
_OWN = ("seq", "id", "created_at", "args")


def accept(
    connection: sqlite3.Connection,
    jobs: Sequence[Job],
    accept_one: Callable[[Job], Enqueued],
    row_of: Callable[[Job], tuple[Any, ...]],
) -> list[Enqueued]:
    """What `accept_one` answers to every job. `row_of` is a job's row, in the order of COLUMNS."""
    done: list[Enqueued] = []
    for _, group in groupby(jobs, key=_alike):
        alike = list(group)
        while alike:
            size = MANY if len(alike) >= MANY else FEW if len(alike) >= FEW else 1
            some, alike = alike[:size], alike[size:]
            if size > 1 and some[0].unique is None and _insert(connection, some, row_of(some[0])):
                done.extend(Enqueued(job.id) for job in some)
            else:
                done.extend(map(accept_one, some))
    return done


def _insert(connection: sqlite3.Connection, jobs: list[Job], row: tuple[Any, ...]) -> bool:
    """Whether there is a new row for each of them; else nothing was changed. `row` is that of the first."""
    values = [value for name, value in zip(COLUMNS, row, strict=True) if name not in _OWN]
    seqs = [order_of(job.id) for job in jobs]
    if None in seqs:
        return False
    for seq, job in zip(seqs, jobs, strict=True):
        values += (seq, job.id, job.created_at, job.args)
    try:
        connection.execute(_STATEMENTS[len(jobs)], values)
    except sqlite3.IntegrityError:
        return False
    if jobs[0].tags:
        connection.executemany("INSERT OR IGNORE INTO queuemgr_tags VALUES (?, ?)", product(jobs[0].tags, seqs))
    return True


def _statement(rows: int) -> str:
    picked = (f"column{_OWN.index(name) + 1}" if name in _OWN else "?" for name in COLUMNS)
    values = ", ".join([f"({', '.join('?' * len(_OWN))})"] * rows)
    return f"INSERT INTO queuemgr_jobs ({', '.join(COLUMNS)}) SELECT {', '.join(picked)} FROM (VALUES {values})"


_STATEMENTS = {rows: _statement(rows) for rows in (FEW, MANY)}
