"""Single cells that several answers share: a job's state, its progress, its moment, its error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Bar, Cell
from queuemgr.service.words import ago, coarse

if TYPE_CHECKING:
    from queuemgr.service.cli.page import Item

Facts = Mapping[str, Any]


def state_cell(job: Facts) -> Cell:
    word = job["state"]
    return Cell("cancelling" if job["cancel_requested"] and word == "running" else word, word)


def progress_item(job: Facts) -> Item:
    """A bar while it runs and has said how far it is; else what it last said, or nothing."""
    if job["progress"] is None or job["state"] != "running":
        return ""
    left = f", {coarse(job['seconds_left'])} left" if job["seconds_left"] is not None else ""
    return Bar(job["progress"] / 100, f"{job['progress']:.0f}%{left}")


def when(at: float | None, now: float) -> Cell:
    return Cell("-", "quiet") if at is None else Cell(ago(at, now))


def error_text(error: Facts | None) -> str:
    """Type and message in one line, the type without its module."""
    if not error:
        return ""
    kind = str(error.get("type") or "").rpartition(".")[2]
    message = str(error.get("message") or "").strip().replace("\n", " ")
    return ": ".join(part for part in (kind, message) if part)
