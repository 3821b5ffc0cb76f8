"""Failures by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Say, Table
from queuemgr.service.words import ago

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item

_COLUMNS = [
    Column("JOBS", right=True),
    Column("ERROR"),
    Column("MESSAGE", shrinks=True, drop=1),
    Column("WHERE", drop=4),
    Column("TASKS", shrinks=True, drop=3),
    Column("LAST", right=True, drop=2),
    Column("FINGERPRINT"),
]


def failures_page(document: Mapping[str, Any]) -> Page:
    groups, now = document["groups"], document["at"]
    if not groups:
        return Page([Say("no job is dead"), Next("see all jobs", "queuemgr jobs list")])
    page = Page([Table(_COLUMNS, [_row(group, now) for group in groups])])
    if not document["complete"]:
        page.add(Say(Cell(f"only the newest {document['scanned']:,} dead jobs were looked at", "quiet")))
    page.add(Next("see why the newest of them failed", f"queuemgr why {groups[0]['ids'][0]}"))
    return page.add(Next("run the largest group again", groups[0]["command"]))


def _row(group: Mapping[str, Any], now: float) -> list[Item]:
    return [
        f"{group['count']:,}",
        Cell(group["type"].rpartition(".")[2] or "-", "bad"),
        group["message"].replace("\n", " "),
        group["place"],
        ", ".join(group["tasks"]),
        ago(group["last"], now),
        group["fingerprint"],
    ]
