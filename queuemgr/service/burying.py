"""Puts a tombstone under the id of a job that has ended. It stops no job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .flatrecord import flat, flat_tombstone, tombstone

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.told import FlatJob


async def bury(client: AsyncClient, record: JobRecord, description: str | None = None) -> FlatJob:
    """The record that is left, whose `description` says why; by default that the job was deleted. Raises StoreError."""
    now = client.clock.now()
    left = tombstone(flat(record, None, now), record, now, description)
    await client.delete(record.id)
    await client.store.restore([left])
    return flat_tombstone(left.job.args)
