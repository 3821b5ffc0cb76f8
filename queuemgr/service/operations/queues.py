"""Looks at queues, pauses and empties them, and limits how many of their jobs run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import did_you_mean
from queuemgr.job import FINISHED, WAITING
from queuemgr.service.facts import queue_facts
from queuemgr.service.failures import Misused, NotFound
from queuemgr.store import Query, QueueInfo

from .changing import change_matching, count_matching
from .operation import Operation, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.client import AsyncClient
    from queuemgr.service.told import JobCount, ListedQueue, QueueList, QueuesDrained, QueuesLimited, QueuesPaused
    from queuemgr.service.told.units import StateWord


async def list_queues(client: AsyncClient) -> QueueList:
    """Those that hold jobs, are paused or limited, or are looked after by a worker."""
    now = client.clock.now()
    infos = {info.name: info for info in await client.queues()}
    served: dict[str, int] = {}
    for worker in await client.workers():
        for name in worker.queues if worker.takes_jobs else ():
            served[name] = served.get(name, 0) + 1
            infos.setdefault(name, QueueInfo(name=name, paused=False, counts={}))
    queues: list[ListedQueue] = [{**queue_facts(infos[name]), "workers": served.get(name, 0)} for name in sorted(infos)]
    return {"at": now, "queues": queues}


async def pause_queues(client: AsyncClient, names: Sequence[str], *, new: bool = False) -> QueuesPaused:
    """Raises NotFound for a queue without jobs and workers, unless `new` is true."""
    if not new:
        await require_queues(client, names)
    for name in names:
        await client.pause(name)
    return {"queues": list(names), "paused": True}


async def resume_queues(client: AsyncClient, names: Sequence[str]) -> QueuesPaused:
    """Raises NotFound."""
    await require_queues(client, names)
    for name in names:
        await client.resume(name)
    return {"queues": list(names), "paused": False}


async def limit_queues(client: AsyncClient, names: Sequence[str], running: int | None = None) -> QueuesLimited:
    """Each runs at most so many jobs at once; without a number, as many as there are slots.

    Raises Misused for a number below 1.
    """
    if running is not None and running < 1:
        raise Misused(f"a limit is at least 1, not {running}", "queuemgr queues pause NAME lets none of its jobs start")
    for name in names:
        await client.limit(name, running)
    return {"queues": list(names), "limit": running}


async def drain_queues(client: AsyncClient, names: Sequence[str], *, finished: bool = False) -> QueuesDrained:
    """The jobs that wait in these queues are deleted, with `finished` those that ended as well.

    What runs goes on. Raises NotFound for a queue without jobs and workers.
    """
    names = list(dict.fromkeys(names))
    await require_queues(client, names)
    gone = [(await change_matching(client, "delete", drained(name, finished=finished)))["changed"] for name in names]
    return {"queues": names, "changed": sum(gone)}


async def count_drained(client: AsyncClient, names: Sequence[str], *, finished: bool = False) -> JobCount:
    """As `jobs.count`: what `drain_queues` would delete. Raises NotFound."""
    await require_queues(client, names)
    queries = [drained(name, finished=finished) for name in dict.fromkeys(names)]
    found = [await count_matching(client, "delete", query) for query in queries]
    states: dict[StateWord, int] = {}
    for one in found:
        for state, number in one["states"].items():
            states[state] = states.get(state, 0) + number
    return {"verb": "delete", "matched": sum(states.values()), "states": states}


def drained(name: str, *, finished: bool) -> Query:
    """What is deleted where a queue is emptied."""
    return Query(queue=name, states=tuple(sorted(WAITING | FINISHED if finished else WAITING)))


async def require_queues(client: AsyncClient, names: Sequence[str]) -> None:
    """Raises NotFound for the first name that no job and no worker bears."""
    known = [queue["name"] for queue in (await list_queues(client))["queues"]]
    for name in names:
        if name not in known:
            raise NotFound(f"there is no queue {name!r}: {did_you_mean(name, known)}", "queuemgr queues list")


OPERATIONS = (
    Operation(
        "queues.list", list_queues, Scope.READ, "GET /queues", "queues list", "queues with their numbers of jobs"
    ),
    Operation(
        "queues.pause",
        pause_queues,
        Scope.OPERATE,
        "POST /queues/pause",
        "queues pause",
        "let no worker take a job of these queues",
    ),
    Operation(
        "queues.resume",
        resume_queues,
        Scope.OPERATE,
        "POST /queues/resume",
        "queues resume",
        "let workers take jobs of these queues again",
    ),
    Operation(
        "queues.limit",
        limit_queues,
        Scope.OPERATE,
        "PUT /queues/limit",
        "queues limit",
        "let at most so many jobs of these queues run at once",
    ),
    Operation(
        "queues.drain",
        drain_queues,
        Scope.OPERATE,
        "POST /queues/drain",
        "queues drain",
        "delete the jobs that wait in these queues; what runs goes on",
    ),
)
