"""A page of jobs."""

from __future__ import annotations

from shlex import join
from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Say, Table
from queuemgr.service.words import ago, coarse

from .cells import error_text, progress_item, state_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from queuemgr.service.cli.page import Item

COLUMNS = [
    Column("ID"),
    Column("STATE"),
    Column("TASK", shrinks=True, drop=1),
    Column("QUEUE", drop=3),
    Column("TRIES", right=True, drop=5),
    Column("AGE", right=True, drop=2),
    Column("WHAT", shrinks=True, drop=4),
]


def jobs_page(document: Mapping[str, Any], filters: Sequence[str] = ()) -> Page:
    """`filters` are the options that chose these jobs, for the command that shows the next ones."""
    jobs, now = document["jobs"], document["at"]
    if not jobs and document["after"] is not None:
        words = join([*filters, "--after", str(document["after"])])
        told = f"none of the newest {document['scanned']:,} jobs fits, and there are older ones"
        return Page([Say(told), Next("look on", f"queuemgr jobs list {words}")])
    if not jobs:
        return Page([Say("there are no such jobs"), Next("enqueue one", "queuemgr enqueue MODULE.TASK [ARGUMENTS]")])
    page = Page([Table(COLUMNS, [_row(job, now) for job in jobs])])
    if document["after"] is not None:
        words = join([*filters, "--after", str(document["after"])])
        page.add(Next("older ones", f"queuemgr jobs list {words}"))
    dead = next((job for job in jobs if job["state"] == "dead"), None)
    if dead is not None:
        page.add(Next("see why one is dead", f"queuemgr jobs show {dead['id']}"))
        page.add(Next("run dead jobs again", "queuemgr jobs retry --state dead"))
    return page


def _row(job: Mapping[str, Any], now: float) -> list[Item]:
    return [
        job["id"],
        state_cell(job),
        job["task"],
        job["queue"],
        str(job["attempt"]),
        coarse(max(0.0, now - job["created_at"])),
        _what(job, now),
    ]


def _what(job: Mapping[str, Any], now: float) -> Item:
    """The most telling thing about it."""
    match job["state"]:
        case "running":
            return progress_item(job) or Cell(job["note"] or "", "quiet")
        case "scheduled":
            at = ago(job["run_at"], now) if job["run_at"] is not None else "now"
            return Cell(f"retries {at}: {error_text(job['error'])}" if job["failures"] else f"starts {at}", "quiet")
        case "dead" | "cancelled":
            return Cell(error_text(job["error"]), "quiet")
        case "parked":
            return Cell("no worker knows its task", "quiet")
    return ""
