"""One look at everything that moves: queues, workers, running jobs and the last failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.service.facts import job_facts
from queuemgr.store import Query

from .addresses import shown
from .operation import Operation, Scope
from .queues import list_queues
from .workers import briefly_listed

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.job import JobRecord
    from queuemgr.service.told import Overview
    from queuemgr.service.told.units import StateWord

FINISHED: tuple[StateWord, ...] = ("succeeded", "dead", "cancelled")


async def overview(client: AsyncClient, queue: str | None = None, most: int = 50) -> Overview:
    """`queue` narrows the jobs to one queue, of which there are at most `most` of each kind."""
    queues = (await list_queues(client))["queues"]
    workers = await briefly_listed(client)
    running = await client.find(Query(states=(State.RUNNING,), queue=queue), most)
    failed = await client.find(Query(states=(State.DEAD,), queue=queue), most)
    now = client.clock.now()
    return {
        "at": now,
        "url": shown(client.store),
        "queues": queues,
        "workers": workers,
        "running": [job_facts(job, now) for job in running.jobs],
        "failed": [job_facts(job, now) for job in sorted(failed.jobs, key=_ended, reverse=True)],
        "finished": sum(entry["counts"][word] for entry in queues for word in FINISHED),
    }


def _ended(job: JobRecord) -> float:
    return job.finished_at or 0.0


OPERATIONS = (
    Operation("overview", overview, Scope.READ, "GET /overview", "monitor", "one look at everything that moves"),
)
