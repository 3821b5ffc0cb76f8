"""Finds rows by their jobs' ids. The number of a row is the number within its id, or a little more (schema.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.job import order_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

REACH = 64
"""How far from the number in its id a row may stand. One that finds no place there is named like any other."""

_SEQS = f"""
SELECT job.seq FROM json_each(?) AS asked JOIN queuemgr_jobs AS job
    ON job.seq BETWEEN json_extract(asked.value, '$[0]') AND json_extract(asked.value, '$[0]') + {REACH - 1}
    AND job.id = json_extract(asked.value, '$[1]')
UNION ALL
SELECT seq FROM queuemgr_jobs INDEXED BY queuemgr_named WHERE named = 1 AND id IN (SELECT value FROM json_each(?))
"""


def with_ids(job_ids: Sequence[str]) -> tuple[str, list[Any]]:
    """A condition on queuemgr_jobs that the rows of these jobs fulfil, and its values."""
    numbered = [(order, job_id) for job_id in job_ids if (order := order_of(job_id)) is not None]
    return f"seq IN ({_SEQS})", [msgspec.json.encode(ids).decode() for ids in (numbered, job_ids)]


def find_seq(connection: sqlite3.Connection, job_id: str) -> int | None:
    where, values = with_ids((job_id,))
    row = connection.execute(f"SELECT seq FROM queuemgr_jobs WHERE {where}", values).fetchone()
    return None if row is None else int(row[0])
