"""One look at everything that moves: queues, workers, running jobs and the last failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.service.facts import Facts, job_facts
from queuemgr.store import Query

from .addresses import shown
from .operation import Operation, Scope
from .queues import list_queues
from .workers import list_workers

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient

FINISHED = ("succeeded", "dead", "cancelled")


async def overview(client: AsyncClient, queue: str | None = None, most: int = 50) -> Facts:
    """{"at", "url", "queues", "workers", "running", "failed", "finished"}; `queue` narrows the jobs to one queue.

    "finished" counts the jobs of all queues that have ended and are still kept.
    """
    queues = (await list_queues(client))["queues"]
    workers = (await list_workers(client))["workers"]
    running = await client.find(Query(states=(State.RUNNING,), queue=queue), most)
    failed = await client.find(Query(states=(State.DEAD,), queue=queue), most)
    now = client.clock.now()
    return {
        "at": now,
        "url": shown(client.store),
        "queues": queues,
        "workers": workers,
        "running": [job_facts(job, now) for job in running.jobs],
        "failed": [job_facts(job, now) for job in failed.jobs],
        "finished": sum(entry["counts"][word] for entry in queues for word in FINISHED),
    }


OPERATIONS = (
    Operation("overview", overview, Scope.READ, "GET /overview", "monitor", "one look at everything that moves"),
)
