"""Workers, and the tasks that they or an app know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Say, Table
from queuemgr.service.words import ago, coarse, counted, duration, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item

WORKERS = [
    Column("WORKER", shrinks=True),
    Column("STATE"),
    Column("RUNNING", right=True),
    Column("QUEUES", shrinks=True),
    Column("TASKS", right=True, drop=4),
    Column("MEMORY", right=True, drop=3),
    Column("UP", right=True, drop=1),
    Column("LAST SEEN", right=True, drop=2),
]
TASKS = [
    Column("TASK"),
    Column("QUEUE", drop=1),
    Column("RUN BY", drop=3),
    Column("ATTEMPTS", right=True, drop=4),
    Column("TIMEOUT", right=True, drop=5),
    Column("WORKERS", right=True, drop=2),
    Column("ABOUT", shrinks=True, drop=6),
]
_START = Next("start one", "queuemgr worker MODULE:APP")


def workers_page(document: Mapping[str, Any]) -> Page:
    if not document["workers"]:
        return Page([Say("no worker is running"), _START])
    now = document["at"]
    return Page([Table(WORKERS, [_worker(worker, now) for worker in document["workers"]])])


def _worker(worker: Mapping[str, Any], now: float) -> list[Item]:
    name = f"{worker['name']} ({worker['id']})" if worker["name"] else worker["id"]
    return [
        name if worker["here"] else f"{name}, elsewhere",
        _state(worker),
        f"{worker['running']}/{worker['concurrency']}",
        ", ".join(worker["queues"]),
        str(len(worker["tasks"])),
        "" if worker["memory"] is None else size(worker["memory"]),
        coarse(max(0.0, now - worker["started_at"])),
        "now" if worker["here"] and worker["alive"] else ago(worker["beat_at"], now),
    ]


def _state(worker: Mapping[str, Any]) -> Cell:
    if not worker["alive"]:
        return Cell("dead", "dead")
    return Cell(worker["state"], "good" if worker["state"] == "running" else "warn")


def tasks_page(document: Mapping[str, Any]) -> Page:
    tasks = document["tasks"]
    if document["source"] == "app":
        if not tasks:
            return Page([Say("the app has no tasks: put @app.task before a function")])
        page = Page([Table(TASKS, [_task(task) for task in tasks])])
        return page.add(Next("ask for one to be run", f"queuemgr enqueue {tasks[0]['name']} [ARGUMENTS]"))
    if not tasks:
        told = Say("no worker is running that could tell its tasks")
        return Page([told, _START, Next("or ask the app", "queuemgr tasks list --app MODULE:APP")])
    rows: list[list[Item]] = [[task["name"], str(task["workers"])] for task in tasks]
    page = Page([Table([Column("TASK"), Column("WORKERS", right=True)], rows)])
    return page.add(Next("more about them", "queuemgr tasks list --app MODULE:APP"))


def _task(task: Mapping[str, Any]) -> list[Item]:
    return [
        Cell(f"{task['name']}{task['signature']}"),
        task["queue"],
        task["executor"],
        "once" if task["at_most_once"] else str(task["attempts"]),
        duration(task["timeout"]) if task["timeout"] else "",
        str(task["workers"]),
        Cell(task["description"] or "", "quiet"),
    ]


def reached_page(document: Mapping[str, Any]) -> Page:
    """Whom a verb would reach."""
    workers, verb = document["workers"], document["verb"]
    page = Page([Say(f"{verb} would reach {counted(len(workers), 'worker')}")])
    for worker in workers:
        page.add(Say(f"{worker['id']}: {worker['state']}, {counted(worker['running'], 'running job')}"))
    return page


def asked_page(document: Mapping[str, Any]) -> Page:
    workers, verb = document["workers"], document["verb"]
    if not workers:
        return Page([Say(f"there is no worker to {verb}"), _START])
    page = Page([])
    for one in workers:
        page.add(Say(f"worker {one['worker']} {_ASKED[verb]} ({counted(one['running'], 'running job')})"))
    ids = " ".join(one["worker"] for one in workers)
    if verb == "quiet":
        page.add(Next("let it take jobs again", f"queuemgr workers resume {ids}"))
    return page.add(Next("follow it", "queuemgr workers list --watch"))


_ASKED = {
    "quiet": "takes no new jobs from now on",
    "resume": "takes jobs again",
    "stop": "ends its jobs and leaves",
}
