"""A job's arguments and result. In a pipe there is nothing but the JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Lines, Next, Page, Pairs, Say, Warn
from queuemgr.service.payloads import untagged
from queuemgr.service.words import clipped, size

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 2000


def arguments_page(document: Mapping[str, Any]) -> Page:
    if "unreadable" in document:
        page = Page([Warn(f"they cannot be read: {document['unreadable']}", "bad")])
        return page.add(record_as_it_is(document)) if "raw" in document else page
    values = [_json(value) for value in document["positional"]]
    values += [f"{name}={_json(value)}" for name, value in document["named"].items()]
    page = Page([Lines([Cell(value) for value in values])] if values else [Say("it has no arguments")])
    if document["cut"]:
        page.add(Warn(f"of {size(document['size'])} only the beginning is shown"))
    return page


def record_as_it_is(arguments: Mapping[str, Any]) -> Lines:
    """What the store keeps of a job whose arguments cannot be read."""
    lines = clipped(arguments["raw"], MOST).splitlines()
    return Lines([Cell(line, "quiet") for line in lines], title=f"the record as it is, {size(arguments['size'])}")


def result_page(document: Mapping[str, Any]) -> Page:
    if "none" in document:
        return Page([Warn(document["none"])])
    page = Page()
    if document["items"] is not None:
        page.add(Lines([Cell(_json(item)) for item in document["items"]]))
    elif document["value"] is not None or document["shape"] == "None":
        page.add(Say(_json(document["value"])))
    else:
        page.add(
            Pairs(
                [("shape", document["shape"]), ("size", size(document["size"])), ("sample", _json(document["sample"]))]
            )
        )
    if document["next"] is not None:
        page.add(Next("the items that follow", f"queuemgr jobs result {document['id']} --offset {document['next']}"))
    for key in document["lists"] if document["items"] is None else ():
        page.add(Next(f"its list {key!r}", f"queuemgr jobs result {document['id']} --at {key}"))
    return page


def _json(value: Any) -> str:
    return json.dumps(untagged(value), ensure_ascii=False)
