"""What a copy came to: a row for each state, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Say, Table, Warn
from queuemgr.service.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item

COLUMNS = [Column("STATE"), Column("FROM", right=True), Column("TO", right=True)]


def copied_page(document: Mapping[str, Any]) -> Page:
    rows = [_row(state, counts["from"], counts["to"]) for state, counts in document["states"].items() if counts["from"]]
    page = Page([Table(COLUMNS, rows)] if rows else [])
    page.add(Say(_what_was_done(document)))
    if document["paused"]:
        page.add(Say(f"paused as before: {', '.join(document['paused'])}"))
    if document["results"]["absent"]:
        page.add(Warn(_absent(document["results"]["absent"])))
    if document["others"]:
        page.add(Say(f"the target has {counted(document['others'], 'job')} that the source does not have"))
    if document["equal"]:
        return page.add(Next("let your programs use the new URL, then start workers", "queuemgr worker MODULE:APP"))
    return page.add(*(Warn(text) for text in _differences(document)))


def _row(state: str, here: int, there: int) -> list[Item]:
    return [Cell(state, state), f"{here:,}", Cell(f"{there:,}", "good" if here == there else "bad")]


def _what_was_done(document: Mapping[str, Any]) -> str:
    told = f"{counted(document['copied'], 'job')} copied"
    if document["resumed"]:
        told += ", going on where the last copy was cut off"
    if document["results"]["to"]:
        told += f", {counted(document['results']['to'], 'large result')}"
    if document["schedules"]:
        told += f", {counted(document['schedules'], 'schedule')}"
    here, there = (sum(counts[side] for counts in document["states"].values()) for side in ("from", "to"))
    return f"{told}; compared: {there:,} of {counted(here, 'job')} there, in the same state"


def _absent(number: int) -> str:
    return (
        f"{counted(number, 'large result')} not beside the old store: gone before their jobs, or in a folder that your "
        "program names; let it name the same one"
    )


def _differences(document: Mapping[str, Any]) -> list[str]:
    told = []
    if torn := document["results"]["from"] - document["results"]["to"]:
        told.append(f"{counted(torn, 'large result')} not there: damaged in the old store, or gone while it was copied")
    if document["missing"]:
        missing = f"{counted(document['missing'], 'job')} not there: enqueued in the old store while it was copied"
        told.append(f"{missing}; let all programs use the new URL, then copy again")
    if document["changed"]:
        changed = f"{counted(document['changed'], 'job')} in another state there: changed since, here or there"
        told.append(f"{changed}; the first is {_example(document)}")
    return told


def _example(document: Mapping[str, Any]) -> str:
    return next((str(job["id"]) for job in document["differing"] if job["to"]), "ID")
