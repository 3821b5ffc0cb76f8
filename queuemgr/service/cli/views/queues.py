"""Queues with their counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Say, Table
from queuemgr.service.words import ago, counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item

_SHOWN = ("ready", "running", "scheduled", "held", "parked", "dead", "succeeded", "cancelled")
_DROPPED = {"cancelled": 7, "parked": 6, "held": 5, "succeeded": 4}

COLUMNS = [
    Column("QUEUE", shrinks=True),
    *(Column(word.upper(), right=True, drop=_DROPPED.get(word, 0)) for word in _SHOWN),
    Column("OLDEST READY", right=True, drop=3),
    Column("WORKERS", right=True, drop=2),
]


def queues_page(document: Mapping[str, Any]) -> Page:
    queues, now = document["queues"], document["at"]
    if not queues:
        told = Say("there are no queues yet: a queue begins with its first job")
        return Page([told, Next("enqueue one", "queuemgr enqueue MODULE.TASK [ARGUMENTS]")])
    page = Page([Table(COLUMNS, [_row(queue, now) for queue in queues])])
    for queue in queues:
        if queue["paused"]:
            page.add(Next(f"queue {queue['name']} is paused", f"queuemgr queues resume {queue['name']}"))
        elif queue["counts"]["ready"] and not queue["workers"]:
            start = f"queuemgr worker MODULE:APP --queue {queue['name']}"
            page.add(Next(f"no worker takes jobs from {queue['name']}", start))
    if any(queue["counts"]["dead"] for queue in queues):
        page.add(Next("see the dead jobs", "queuemgr jobs list --state dead"))
    return page


def _row(queue: Mapping[str, Any], now: float) -> list[Item]:
    oldest = queue["oldest_ready"]
    limit = "" if queue["limit"] is None else f" (at most {queue['limit']})"
    name = Cell(f"{queue['name']} (paused)", "warn") if queue["paused"] else Cell(f"{queue['name']}{limit}", "strong")
    return [
        name,
        *(_number(queue["counts"][word], word) for word in _SHOWN),
        "" if oldest is None else ago(oldest, now),
        str(queue["workers"]),
    ]


def _number(count: int, state: str) -> Cell:
    return Cell(f"{count:,}", state if count else "quiet")


def limited_page(document: Mapping[str, Any]) -> Page:
    limit = document["limit"]
    word = "runs as many jobs as workers have slots" if limit is None else f"runs at most {limit:,} jobs at once"
    return Page([Say(f"queue {name} {word}") for name in document["queues"]])


def paused_page(document: Mapping[str, Any]) -> Page:
    names, paused = document["queues"], document["paused"]
    word = "paused: running jobs go on, no new ones start" if paused else "goes on"
    page = Page([Say(f"queue {name} {word if not paused else f'is {word}'}") for name in names])
    if paused:
        page.add(Next("let it go on", f"queuemgr queues resume {' '.join(names)}"))
    return page


def drained_page(document: Mapping[str, Any]) -> Page:
    names = ", ".join(document["queues"])
    return Page([Say(f"{counted(document['changed'], 'job')} of {names} deleted; running ones go on")])
