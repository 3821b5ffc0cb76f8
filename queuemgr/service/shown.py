"""A job's result as plain data: whole where it is small enough, else at a glance. It changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import JobNotFound, ResultError
from queuemgr.result import Reference

from .flatrecord import flat, with_success
from .payloads import readable, untagged

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient

    from .flatrecord import Known
    from .told import FlatJob

AS_STORED = 256 * 1024
"""Bytes from which on a result is passed on without being read."""


async def result_of(client: AsyncClient, job_id: str, data: bytes | None, most: int, *, glance: bool = False) -> Any:
    """Plain data or msgspec.Raw; beyond `most` bytes {"summary": true, "size"}, with `glance` also shape and sample.

    `data` is what the store holds of it. A result that went before its job is such a summary, with "gone": why.
    """
    if data is None:
        return None
    reference = Reference.read(data)
    size = len(data) if reference is None else reference.size
    if size <= most and reference is None:
        return await _small(data)
    summary: dict[str, Any] = {"summary": True, "size": size}
    if reference is not None:
        summary |= {"kind": reference.kind, "length": reference.length}
    if size > most and not glance:
        return summary
    try:
        if size <= most:
            return await client._result(job_id)
        info = await client.handle(job_id).result_info()
    except (ResultError, JobNotFound) as error:
        return summary | {"gone": str(error)}
    told = {"kind": info.kind, "length": info.length, "shape": info.shape, "sample": untagged(info.sample)}
    return summary | told | {"lists": {key or "": length for key, length in info.lists.items()}}


async def flat_with(
    client: AsyncClient, job: Known, data: bytes | None, most: int, *, glance: bool, suspended: bool = False
) -> FlatJob:
    """The flat record of a job that is no tombstone, with its result as by `result_of`."""
    result = await result_of(client, job.id, data, most, glance=glance)
    facts = flat(job, result, client.clock.now(), suspended=suspended)
    whole = isinstance(result, dict) and "summary" not in result
    return with_success(facts, result if whole else data)


async def _small(data: bytes) -> Any:
    if len(data) < AS_STORED:
        return untagged(readable(data, "json"))
    if b'"$"' in data:
        return untagged(await asyncio.to_thread(readable, data, "json"))
    return msgspec.Raw(data)
