"""Who asked for a job to be cancelled, as the audit list tells it. What programs do themselves is not in that list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.errors import Unsupported
from queuemgr.store import Query

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.access.audit import Entry

LOOK = 100
"""Entries that are looked through, the newest."""

NEAR = 2.0
"""Seconds between a change of all that fit a query and the end of a job that it may have been."""


async def cancelled_by(client: AsyncClient, record: JobRecord) -> dict[str, str | float] | None:
    """{"who", "via", "at"}; None where nobody is known."""
    # Only this question needs the list, and its package knows the operations, which know this one.
    from queuemgr.service.access.audit import entries

    try:
        newest, _ = await entries(client, LOOK)
    except Unsupported:
        return None
    found = next((entry for entry in newest if _is_of(entry, record)), None)
    return None if found is None else {"who": found.who, "via": found.via, "at": found.at}


def _is_of(entry: Entry, record: JobRecord) -> bool:
    given: dict[str, Any] = entry.arguments
    if given.get("verb") != "cancel" or not entry.outcome.get("ok"):
        return False
    if entry.operation == "jobs.change":
        return record.id in given.get("job_ids", ())
    if entry.operation != "jobs.change_matching" or record.finished_at is None:
        return False
    query = given.get("query")
    fields = query if isinstance(query, dict) else {name: getattr(query, name, None) for name in Query.__slots__}
    fits = all(fields.get(name) in (None, getattr(record, name)) for name in ("queue", "task"))
    return fits and abs(entry.at - record.finished_at) < NEAR
