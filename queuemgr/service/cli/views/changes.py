"""What was changed, or would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Next, Page, Say, Warn
from queuemgr.service.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

PAST = {
    "retry": "will run again",
    "cancel": "cancelled",
    "delete": "deleted",
    "hold": "held",
    "release": "released",
}


def changed_page(document: Mapping[str, Any]) -> Page:
    verb, jobs = document["verb"], document.get("jobs", [])
    page = Page([Say(f"{counted(document['changed'], 'job')} {PAST[verb]}")])
    for job in jobs:
        if job["message"]:
            page.add(Warn(job["message"]))
    stopping = [job["id"] for job in jobs if job["changed"] and job["state"] == "running"]
    if stopping and verb == "cancel":
        page.add(Say(Cell(f"{counted(len(stopping), 'running job')} will be stopped by the worker", "quiet")))
        page.add(Next("wait until it has", f"queuemgr jobs wait {' '.join(stopping)}"))
    elif verb == "retry" and document["changed"]:
        only = jobs[0]["id"] if len(jobs) == 1 else ""
        page.add(Next("follow it", f"queuemgr jobs wait {only}") if only else Next("follow them", "queuemgr monitor"))
    elif verb == "hold" and document["changed"]:
        held = [job["id"] for job in jobs if job["changed"]]
        page.add(Next("let them run", f"queuemgr jobs release {' '.join(held) or '--all'}"))
    return page


def prioritised_page(document: Mapping[str, Any], named: int = 0) -> Page:
    """`named` is how many jobs were named by their ids."""
    changed, left = document["changed"], named - document["changed"]
    page = Page([Say(f"{counted(changed, 'job')} now of priority {document['priority']}")])
    if left > 0:
        many = f"{left:,} of the {named:,} that are named are not there, or do not wait"
        page.add(Warn("the job is not there, or does not wait" if named == 1 else many))
    elif changed:
        page.add(Next("see them", "queuemgr jobs list --state ready,scheduled,held,parked"))
    return page


def matching_page(document: Mapping[str, Any]) -> Page:
    """The answer to --dry-run."""
    states = ", ".join(f"{number:,} {state}" for state, number in document["states"].items())
    told = f"{document['verb']} would change {counted(document['matched'], 'job')}"
    return Page([Say(told + (f": {states}" if states else ""))])


def question(document: Mapping[str, Any]) -> str:
    """What is asked before jobs are changed."""
    states = ", ".join(f"{number:,} {state}" for state, number in document["states"].items())
    return f"{document['verb']} {counted(document['matched'], 'job')} ({states})?"
