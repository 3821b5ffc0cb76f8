"""A job that was just enqueued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Next, Page, Say, Warn
from queuemgr.service.words import duration

if TYPE_CHECKING:
    from collections.abc import Mapping


def enqueued_page(document: Mapping[str, Any]) -> Page:
    job = document["job"]
    if document["existing"]:
        told = f"job {job['id']} holds the unique key already, it is {job['state']}"
        return _with_next(Page([Say(Cell(told, "warn"), bare=job["id"])]), document)
    when = f", starts in {duration(job['run_at'] - job['created_at'])}" if job["state"] == "scheduled" else ""
    held = ", held until it is released" if job["state"] == "held" else ""
    told = f"enqueued job {job['id']} ({job['task']}, queue {job['queue']}{when}{held})"
    return _with_next(Page([Say(told, bare=job["id"])]), document)


def _with_next(page: Page, document: Mapping[str, Any]) -> Page:
    job, obstacles = document["job"], document["obstacles"]
    page.add(*(Warn(one["why"]) for one in obstacles))
    page.add(*(Next(one["purpose"], one["command"]) for one in obstacles))
    if job["state"] == "held":
        page.add(Next("let it run", f"queuemgr jobs release {job['id']}"))
    return page.add(Next("wait for its result", f"queuemgr jobs wait {job['id']}"))
