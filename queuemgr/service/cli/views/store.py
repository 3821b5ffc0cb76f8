"""The store as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Next, Page, Pairs, Say
from queuemgr.service.words import counted, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item


def info_page(document: Mapping[str, Any]) -> Page:
    rows: list[tuple[str, Item]] = [("store", Cell(document["url"], "strong"))]
    if document["file"]:
        rows.append(("file", f"{document['file']}, {size(document['size'])}"))
    rows.append(("jobs", f"{document['jobs']:,}"))
    rows += [(f"  {state}", Cell(f"{count:,}", state)) for state, count in document["states"].items() if count]
    rows += [(name, f"{document[name]:,}") for name in ("queues", "workers", "schedules")]
    page = Page([Pairs(rows)])
    if document["states"]["dead"]:
        page.add(Next("see the dead jobs", "queuemgr jobs list --state dead"))
    if not document["workers"]:
        page.add(Next("no worker is running, start one", "queuemgr worker MODULE:APP"))
    return page


def pruned_page(document: Mapping[str, Any]) -> Page:
    return Page([Say(f"{counted(document['pruned'], 'finished job')} forgotten, their lifetime was over")])


def migrated_page(document: Mapping[str, Any]) -> Page:
    before, after, url = document["before"], document["after"], document["url"]
    if before is None:
        return Page([Say(f"{url} needs no migration: whoever opens it brings it up to date")])
    if document["migrated"]:
        return Page([Say(f"{url} was brought from version {before} to {after}")])
    if not document["needed"]:
        return Page([Say(f"{url} is up to date, at version {after}")])
    page = Page([Say(f"{url} is at version {before} and has to be brought to {after}")])
    return page.add(Next("do it", "queuemgr store migrate"))
