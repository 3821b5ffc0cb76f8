"""Answers that the service has itself, about jobs that were added here or have just ended here. It keeps nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.operations.flat import WHOLE, status
from queuemgr.service.shown import flat_with

from .endings import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.client import AsyncClient
    from queuemgr.service.presence import Presence
    from queuemgr.service.told import FlatJob, FlatJobAsked

    from .observed import Observed


class Knowing:
    """Spares the store most of what is asked while a job is added, run and waited for."""

    def __init__(self, store: Observed, client: AsyncClient, presence: Presence) -> None:
        self._store = store
        self._client = client
        self._presence = presence

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> FlatJob | FlatJobAsked | None:
        """None where it has to be asked for in the usual way, which also tells of wrong arguments."""
        match name, arguments:
            case "job.start", {"job_id": str(job_id), **more} if not more:
                return await self._start(job_id)
            case "job.wait", {"job_id": str(job_id), "timeout": timeout, **more} if not more and _is_time(timeout):
                return await self._wait(job_id, timeout)
        return None

    async def _start(self, job_id: str) -> FlatJobAsked | None:
        if self._store.is_of_a_class(job_id) and await self._client.release(job_id):
            return {"job_id": job_id, "status": "PENDING"}
        return None

    async def _wait(self, job_id: str, timeout: float | None) -> FlatJob:
        ended = await self._store.wait_ended(job_id, timeout)
        if isinstance(ended, Ended):
            return await flat_with(self._client, ended, ended.result, WHOLE, glance=True)
        return await status(self._client, self._presence, job_id)


def _is_time(value: object) -> bool:
    return value is None or type(value) in (int, float)
