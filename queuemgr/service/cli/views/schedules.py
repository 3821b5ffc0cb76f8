"""Schedules and the moments at which they fire."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Lines, Next, Page, Say, Table, Warn
from queuemgr.service.words import ago, duration, moment

from .cells import when

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item

COLUMNS = [
    Column("SCHEDULE", shrinks=True),
    Column("WHEN", shrinks=True),
    Column("TASK", shrinks=True),
    Column("QUEUE", drop=2),
    Column("NEXT"),
    Column("LAST", drop=1),
    Column("MISSED", drop=3),
]
_ADD = "queuemgr schedules add NAME 'every 10m' MODULE.TASK"


def schedules_page(document: Mapping[str, Any]) -> Page:
    if not document["schedules"]:
        return Page([Say("there are no schedules"), Next("add one", _ADD)])
    now = document["at"]
    return Page([Table(COLUMNS, [_row(schedule, now) for schedule in document["schedules"]])])


def _row(schedule: Mapping[str, Any], now: float) -> list[Item]:
    paused = schedule["paused"]
    return [
        Cell(schedule["name"], "strong"),
        schedule["words"],
        schedule["task"],
        schedule["queue"],
        Cell("paused", "warn") if paused else when(schedule["next_at"], now),
        when(schedule["last_at"], now),
        schedule["missed"],
    ]


def added_page(document: Mapping[str, Any]) -> Page:
    schedule = document["schedule"]
    name = schedule["name"]
    word = "replaced" if document["replaced"] else "added"
    page = Page([Say(f"schedule {name} {word}: {schedule['task']} {schedule['words']}{_next(document)}")])
    page.add(*(Warn(one["why"]) for one in document["obstacles"]))
    page.add(*(Next(one["purpose"], one["command"]) for one in document["obstacles"]))
    return page.add(Next("see when", f"queuemgr schedules preview {quote(name)}"))


def changed_page(document: Mapping[str, Any]) -> Page:
    schedule = document["schedule"]
    name = schedule["name"]
    if not schedule["paused"]:
        return Page([Say(f"schedule {name} goes on{_next(document)}")])
    resume = f"queuemgr schedules resume {quote(name)}"
    return Page([Say(f"schedule {name} is paused"), Next("let it go on", resume)])


def retimed_page(document: Mapping[str, Any]) -> Page:
    schedule = document["schedule"]
    return Page([Say(f"schedule {schedule['name']} fires {schedule['words']}{_next(document)}")])


def removed_page(document: Mapping[str, Any]) -> Page:
    return Page([Say(f"schedule {document['removed']} removed; its jobs are still there")])


def run_page(document: Mapping[str, Any]) -> Page:
    job = document["id"]
    told = Say(f"enqueued job {job} beside the usual times of {document['schedule']}", bare=job)
    return Page([told, Next("wait for its result", f"queuemgr jobs wait {job}")])


def preview_page(document: Mapping[str, Any]) -> Page:
    now = document["at"]
    if not document["firings"]:
        return Page([Say(f"{document['words']}: it never fires")])
    lines = [Cell(f"{moment(at)}  in {duration(at - now)}") for at in document["firings"]]
    return Page([Say(Cell(document["words"], "strong")), Lines(lines)])


def _next(document: Mapping[str, Any]) -> str:
    at = document["schedule"]["next_at"]
    return ", it never fires again" if at is None else f", next {ago(at, document['at'])}"
