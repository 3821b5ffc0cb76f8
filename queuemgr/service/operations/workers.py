"""Looks at workers and at the tasks that they know, and asks workers to be quiet, to go on, to stop.

It waits for none of them: a worker does what it is asked when it next looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.errors import did_you_mean
from queuemgr.job import State
from queuemgr.service.facts import task_facts, worker_facts
from queuemgr.service.failures import Misused, NotAllowed, NotFound
from queuemgr.service.flatrecord import QUEUE
from queuemgr.store import Query
from queuemgr.wishes import Wish, wish

from .operation import Operation, Scope
from .residence import resident_memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.app import App
    from queuemgr.client import AsyncClient
    from queuemgr.service.told import BusyWorker, ListedTask, ListedWorker, TaskList, WorkerAsked, WorkerList
    from queuemgr.store import WorkerInfo

START = "queuemgr worker MODULE:APP"
LIST = "queuemgr workers list"


async def list_workers(client: AsyncClient) -> WorkerList:
    """Those that live, and the dead that the store remembers, each with the number of its running jobs."""
    now = client.clock.now()
    infos = await client.workers()
    workers: list[ListedWorker] = [{**await _listed(client, info), "memory": resident_memory(info)} for info in infos]
    return {"at": now, "workers": workers}


async def briefly_listed(client: AsyncClient) -> list[BusyWorker]:
    """The same workers without their memory, which changes while nothing happens."""
    return [await _listed(client, info) for info in await client.workers()]


async def _listed(client: AsyncClient, info: WorkerInfo) -> BusyWorker:
    running = await client.count(Query(worker=info.id, states=(State.RUNNING,)))
    return {**worker_facts(info), "running": running}


async def quiet_worker(client: AsyncClient, worker_id: str) -> WorkerAsked:
    """It takes no new job from its next look on; its "running" ones go on.

    Raises NotFound, NotAllowed where it is dead or stops.
    """
    return await _ask(client, await _going(client, worker_id), Wish.QUIET)


async def resume_worker(client: AsyncClient, worker_id: str) -> WorkerAsked:
    """As `quiet_worker`: it takes jobs again."""
    return await _ask(client, await _going(client, worker_id), Wish.RESUME)


async def stop_worker(client: AsyncClient, worker_id: str, grace: float | None = None) -> WorkerAsked:
    """As `quiet_worker`: it winds up, leaves, and is not started again; its jobs have `grace` seconds to end.

    None is the grace time it was started with, 0 stops them at once; one that stops already can be hurried so.
    Raises NotFound, Misused, NotAllowed where it is dead, or the service's own.
    """
    if grace is not None and not 0 <= grace < float("inf"):
        raise Misused(f"grace is a number of seconds of at least 0, not {grace}")
    info = await living_worker(client, worker_id)
    if QUEUE in info.queues:
        raise NotAllowed(f"worker {info.id} is the service's own and stops with it", "queuemgr service stop")
    return await _ask(client, info, Wish.STOP, grace)


async def living_worker(client: AsyncClient, worker_id: str) -> WorkerInfo:
    """The one of this id, or else the only living one of this name. Raises NotFound, NotAllowed where it is dead."""
    infos = await client.workers()
    named = [info for info in infos if info.name == worker_id and info.alive]
    found = [info for info in infos if info.id == worker_id] or named
    match found:
        case []:
            near = did_you_mean(worker_id, [name for info in infos for name in (info.id, info.name) if name])
            raise NotFound(f"there is no worker {worker_id!r}: {near}", LIST)
        case [info] if info.alive:
            return info
        case [info]:
            raise NotAllowed(f"worker {info.id} is dead: what it ran is given to others", START)
        case _:
            raise NotAllowed(f"{len(found)} workers have the name {worker_id!r}: name one by its id", LIST)


async def _going(client: AsyncClient, worker_id: str) -> WorkerInfo:
    info = await living_worker(client, worker_id)
    if info.state == "stopping":
        raise NotAllowed(f"worker {info.id} stops already, and nothing can keep it", START)
    return info


async def _ask(client: AsyncClient, info: WorkerInfo, what: Wish, grace: float | None = None) -> WorkerAsked:
    running = await client.count(Query(worker=info.id, states=(State.RUNNING,)))
    await wish(client.store, info, what, grace)
    return {"asked": what.value, "worker": info.id, "running": running}


async def known_tasks(client: AsyncClient) -> dict[str, int]:
    """The names of all tasks that living workers know, and how many workers know each."""
    known: dict[str, int] = {}
    for info in await client.workers():
        for name in info.tasks if info.alive else ():
            known[name] = known.get(name, 0) + 1
    return known


async def list_tasks(client: AsyncClient, app: App | None) -> TaskList:
    """With an app all facts of its tasks, else the names that workers have told the store."""
    served = await known_tasks(client)
    if app is not None:
        return tasks_of(app, served)
    tasks: list[ListedTask] = [{"name": name, "workers": number} for name, number in sorted(served.items())]
    return {"source": "workers", "tasks": tasks}


def tasks_of(app: App, served: Mapping[str, int]) -> TaskList:
    """The same for an app alone; `served` are the numbers of workers that know each task."""
    tasks: list[ListedTask] = [{**task_facts(task), "workers": served.get(task.name, 0)} for task in app.tasks]
    return {"source": "app", "tasks": sorted(tasks, key=lambda task: task["name"])}


OPERATIONS = (
    Operation("workers.list", list_workers, Scope.READ, "GET /workers", "workers list", "workers, living and dead"),
    Operation(
        "workers.quiet",
        quiet_worker,
        Scope.OPERATE,
        "POST /workers/{worker_id}/quiet",
        "workers quiet",
        "let a worker take no new jobs; what it runs goes on",
    ),
    Operation(
        "workers.resume",
        resume_worker,
        Scope.OPERATE,
        "POST /workers/{worker_id}/resume",
        "workers resume",
        "let a quiet worker take jobs again",
    ),
    Operation(
        "workers.stop",
        stop_worker,
        Scope.OPERATE,
        "POST /workers/{worker_id}/stop",
        "workers stop",
        "let a worker end its jobs and leave; nobody starts it again",
    ),
    Operation("tasks.list", list_tasks, Scope.READ, "GET /tasks", "tasks list", "tasks that can be run"),
)
