"""What a worker says when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr import __version__
from queuemgr.service.cli.page import Cell, Page, Pairs, Say, Warn
from queuemgr.service.words import counted, duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from queuemgr.service.cli.page import Item

MOST = 6


def start_page(facts: Mapping[str, Any]) -> Page:
    page = Page([Say(Cell(f"queuemgr {__version__}", "strong")), Pairs(_rows(facts))])
    for name in facts["unused_queues"]:
        page.add(Warn(f"no task of this app names queue {name!r}; it is looked after all the same"))
    if not facts["tasks"]:
        page.add(Warn("this app has no tasks: put @app.task before a function"))
    return page


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, Item]]:
    queues = [name if weight == 1 else f"{name} (weight {weight})" for name, weight in facts["queues"].items()]
    each = "each up to " if facts["processes"] > 1 else "up to "
    rows: list[tuple[str, Item]] = [
        ("app", facts["app"]),
        ("store", facts["store"]),
        ("queues", _some(queues)),
        ("tasks", _some(facts["tasks"]) or "none"),
    ]
    if facts["schedules"]:
        rows.append(("schedules", _some(facts["schedules"])))
    rows += [
        ("processes", f"{facts['processes']}, {each}{counted(facts['concurrency'], 'job')} at once"),
        ("pid", str(facts["pid"])),
        ("until", _end(facts)),
    ]
    return rows


def _end(facts: Mapping[str, Any]) -> str:
    stop = f"Ctrl-C or SIGTERM; running jobs then have {duration(facts['grace'])} to end"
    return f"nothing is ready any more, {stop}" if facts["burst"] else stop


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
