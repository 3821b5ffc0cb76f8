"""Queries as conditions on the tables of jobs. It asks nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from queuemgr.store import Query


def conditions(query: Query) -> tuple[str, dict[str, Any]]:
    """A WHERE clause on `job`, one of the tables or the view of both, and its values."""
    parts: list[str] = ["true"]
    values: dict[str, Any] = {}
    if query.ids:
        parts.append("job.id = ANY(%(ids)s)")
        values["ids"] = list(query.ids)
    if query.states:
        parts.append("job.state = ANY(%(states)s)")
        values["states"] = [int(state) for state in query.states]
    if query.tag is not None:
        parts.append("EXISTS (SELECT FROM tags WHERE tags.tag = %(tag)s AND tags.job = job.seq)")
        values["tag"] = query.tag
    if query.error is not None:
        parts.append("strpos(job.error::text, %(error)s) > 0")
        values["error"] = query.error
    for name, column, operator, value in (
        ("queue", "queue", "=", query.queue),
        ("task", "task", "=", query.task),
        ("worker", "worker", "=", query.worker),
        ("after", "created_at", ">=", query.created_after),
        ("before", "created_at", "<", query.created_before),
    ):
        if value is not None:
            parts.append(f"job.{column} {operator} %({name})s")
            values[name] = value
    return " AND ".join(parts), values
