"""Looks at workers and at the tasks that they know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.service.facts import Facts, task_facts, worker_facts
from queuemgr.store import Query

from .operation import Operation, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.app import App
    from queuemgr.client import AsyncClient


async def list_workers(client: AsyncClient) -> Facts:
    """{"at", "workers"}, each with the number of its "running" jobs."""
    now = client.clock.now()
    workers = []
    for info in await client.workers():
        running = await client.count(Query(worker=info.id, states=(State.RUNNING,)))
        workers.append(worker_facts(info) | {"running": running})
    return {"at": now, "workers": workers}


async def known_tasks(client: AsyncClient) -> dict[str, int]:
    """The names of all tasks that living workers know, and how many workers know each."""
    known: dict[str, int] = {}
    for info in await client.workers():
        for name in info.tasks if info.alive else ():
            known[name] = known.get(name, 0) + 1
    return known


async def list_tasks(client: AsyncClient, app: App | None) -> Facts:
    """{"source", "tasks"}: with an app all facts of its tasks, else the names that workers have told the store."""
    served = await known_tasks(client)
    if app is not None:
        return tasks_of(app, served)
    tasks: list[Facts] = [{"name": name, "workers": number} for name, number in sorted(served.items())]
    return {"source": "workers", "tasks": tasks}


def tasks_of(app: App, served: Mapping[str, int]) -> Facts:
    """The same for an app alone; `served` are the numbers of workers that know each task."""
    tasks = [task_facts(task) | {"workers": served.get(task.name, 0)} for task in app.tasks]
    return {"source": "app", "tasks": sorted(tasks, key=lambda task: str(task["name"]))}


OPERATIONS = (
    Operation("workers.list", list_workers, Scope.READ, "GET /workers", "workers list", "workers, living and dead"),
    Operation("tasks.list", list_tasks, Scope.READ, "GET /tasks", "tasks list", "tasks that can be run"),
)
