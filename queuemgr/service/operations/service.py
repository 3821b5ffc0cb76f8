"""Asks the running service for itself, and tells it to stop or to take new code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.address import shown_url
from queuemgr.job import State
from queuemgr.jobs.status import status_of
from queuemgr.service.flatrecord import DELETED, QUEUE, name_of
from queuemgr.store import Query

from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.presence import Presence
    from queuemgr.service.told import JobClasses, Reloaded, ServiceStatus, Stopping
    from queuemgr.service.told.service import StatusWord


async def status(client: AsyncClient, presence: Presence) -> ServiceStatus:
    """What the service says of itself, and how many jobs it has."""
    own = next((info for info in await client.queues() if info.name == QUEUE), None)
    counts: dict[StatusWord, int] = {}
    for state in State:
        name = name_of(status_of(state))
        counts[name] = counts.get(name, 0) + (own.counts.get(state, 0) if own else 0)
    deleted = await client.count(Query(queue=QUEUE, task=DELETED))
    counts |= {"STOPPED": counts["STOPPED"] - deleted, "DELETED": deleted}
    facts = presence.facts()
    return {
        "status": "running",
        **facts,
        "store": shown_url(facts["store"]),
        "total_jobs": sum(counts.values()),
        "running_jobs": counts["RUNNING"],
        "jobs": counts,
    }


async def classes(presence: Presence) -> JobClasses:
    """The names of job classes that need no dotted path."""
    return {"classes": presence.job_classes()}


async def shutdown(presence: Presence) -> Stopping:
    """It takes no more jobs, lets running ones end as it is set up, and goes."""
    presence.shutdown()
    return {"stopping": True}


async def reload(presence: Presence) -> Reloaded:
    """Jobs that begin from now on run with the code as it is now."""
    return await presence.reload()


OPERATIONS = (
    Operation(
        "job.classes",
        classes,
        Scope.READ,
        "GET /service/classes",
        "job classes",
        "the names of job classes that can be added",
    ),
    Operation(
        "service.status",
        status,
        Scope.READ,
        "GET /service",
        "service status",
        "the service itself, and how many jobs it has",
    ),
    Operation(
        "service.shutdown", shutdown, Scope.ADMINISTER, "POST /service/shutdown", "service stop", "stop the service"
    ),
    Operation(
        "service.reload",
        reload,
        Scope.ADMINISTER,
        "POST /service/reload",
        "service reload",
        "let jobs that begin from now on run with the code as it is now",
    ),
)
