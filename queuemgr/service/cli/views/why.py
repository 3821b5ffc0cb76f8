"""Why a job is where it is: the reasons, what is different from the last success, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Pairs, Table
from queuemgr.service.words import ago, clipped, duration, moment

from .cells import state_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item

LONGEST = 60
MOST_STEPS = 4
_DIFFERENCES = [Column("DIFFERENT"), Column("LAST SUCCESS", shrinks=True), Column("THIS JOB", shrinks=True)]
_RUNNING = [Column("WORKER", drop=1), Column("RUNS"), Column("TASK", shrinks=True), Column("FOR", right=True)]


def why_page(document: Mapping[str, Any]) -> Page:
    job, now = document["job"], document["at"]
    rows: list[tuple[str, Item]] = [
        ("job", Cell(job["id"], "strong")),
        ("task", job["task"]),
        ("state", state_cell(job)),
    ]
    rows += [("why" if not number else "", one["text"]) for number, one in enumerate(document["reasons"])]
    if document["next"] is not None:
        rows.append(("next", _next(document["next"], now)))
    page = Page([Pairs(rows)])
    _add_differences(page, document["evidence"]["last_success"])
    _add_running(page, document["reasons"])
    return page.add(*(Next(step["purpose"], step["command"]) for step in document["steps"][:MOST_STEPS]))


def _next(coming: Mapping[str, Any], now: float) -> str:
    return (
        coming["text"]
        if coming["at"] is None
        else f"{coming['text']}: {moment(coming['at'])} ({ago(coming['at'], now)})"
    )


def _add_differences(page: Page, compared: Mapping[str, Any] | None) -> None:
    if compared is None or not compared["differences"]:
        return
    rows: list[list[Item]] = [
        [f"{one['what']} {one['name'] or ''}".strip(), _said(one, "then"), _said(one, "now")]
        for one in compared["differences"]
    ]
    page.add(Table(_DIFFERENCES, rows, title=f"beside the last success, {compared['id']}"))


def _said(one: Mapping[str, Any], when: str) -> str:
    value = one[when]
    if one["what"] == "duration":
        return duration(value)
    return clipped("(none)" if value is None else str(value), LONGEST)


def _add_running(page: Page, reasons: list[Mapping[str, Any]]) -> None:
    busy = next((one for one in reasons if one["code"].startswith("workers_busy")), None)
    if busy is None:
        return
    rows: list[list[Item]] = [
        [one["worker"], one["job"], one["task"], duration(one["seconds"])] for one in busy["details"]["running"]
    ]
    page.add(Table(_RUNNING, rows, title="what has the slots"))
