"""Measures, their history, and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Say, Table, Warn
from queuemgr.service.observe.notice import shown_value
from queuemgr.service.words import ago, coarse, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.service.cli.page import Item

BARS = "▁▂▃▄▅▆▇█"
WIDEST = 60
_HISTORY = [
    Column("METRIC"),
    Column("OVER TIME"),
    Column("LEAST", right=True, drop=2),
    Column("MOST", right=True, drop=1),
    Column("LAST", right=True),
]
# With what goes first where the terminal is narrow: what `queues list` tells, too.
_OF_QUEUE = {
    "queue_length": 0,
    "running": 3,
    "dead": 2,
    "oldest_wait": 1,
    "processing_rate": 0,
    "failure_rate": 0,
    "avg_latency": 0,
    "avg_wait": 0,
}
_ALERTS = [
    Column("RULE"),
    Column("QUEUE", drop=3),
    Column("STATE"),
    Column("VALUE", right=True),
    Column("SINCE", right=True, drop=1),
    Column("SEVERITY", drop=2),
    Column("SILENT UNTIL", drop=4),
]
_STATES = {"firing": "bad", "pending": "warn", "ok": "good"}


def history_page(document: Mapping[str, Any]) -> Page:
    rows: list[list[Item]] = []
    for metric, values in document["series"].items():
        known = [value for value in values if value is not None]
        if known:
            ends = (min(known), max(known), values[-1])
            rows.append([metric, sparkline(values), *(shown_value(metric, value) for value in ends)])
        else:
            rows.append([metric, Cell("nothing was measured", "quiet"), "", "", ""])
    title = f"one value for {coarse(document['step'])}, from {moment(document['start'])} on"
    page = Page([Table(_HISTORY, rows, title)])
    if all(value is None for values in document["series"].values() for value in values):
        page.add(Warn("nobody measures: a service or a page has to run"), Next("start one", "queuemgr service start"))
    return page


def sparkline(values: list[float | None]) -> str:
    """A character for each value, the last WIDEST of them; a space where nothing is known."""
    values = values[-WIDEST:]
    most = max((value for value in values if value is not None), default=0.0)
    if most <= 0:
        return "".join(" " if value is None else BARS[0] for value in values)
    return "".join(" " if value is None else BARS[round(max(value, 0.0) / most * (len(BARS) - 1))] for value in values)


def metrics_page(document: Mapping[str, Any]) -> Page:
    whole = document["metrics"]
    columns = [
        Column("QUEUE", shrinks=True),
        *(Column(name.upper().replace("_", " "), right=True, drop=drop) for name, drop in _OF_QUEUE.items()),
    ]
    rows: list[list[Item]] = [_measures(name, of_it) for name, of_it in document["queues"].items()]
    rows.append(_measures("all", whole))
    load = ", ".join(
        f"{name.replace('_', ' ')} {shown_value(name, whole[name])}"
        for name in ("workers", "worker_utilization", "memory")
    )
    return Page([Table(columns, rows), Say(load)])


def _measures(name: str, figures: dict[str, float | None]) -> list[Item]:
    shown = ["" if figures[metric] is None else shown_value(metric, figures[metric]) for metric in _OF_QUEUE]
    return [Cell(name, "strong"), *shown]


def alerts_page(document: Mapping[str, Any]) -> Page:
    if not document["rules"] and not document["alerts"]:
        return Page(
            [Say("there are no alert rules"), Next("add one", 'queuemgr alerts add "queue_length > 1000 for 5m"')]
        )
    page = Page()
    if document["alerts"]:
        page.add(Table(_ALERTS, [_alert(alert, document["at"]) for alert in document["alerts"]]))
    judged = {alert["rule"] for alert in document["alerts"]}
    for rule in document["rules"]:
        if rule["rule"] not in judged:
            page.add(Warn(f"{rule['rule']} was not judged yet: a service or a page has to run"))
    for delivery in [one for one in document["deliveries"] if one["error"]][:5]:
        page.add(Warn(f"{delivery['target']} was not told of {delivery['rule']}: {delivery['error']}"))
    return page


def _alert(alert: Mapping[str, Any], now: float) -> list[Item]:
    quiet = alert["silenced_until"]
    return [
        alert["rule"],
        alert["queue"] or "",
        Cell(alert["state"], _STATES[alert["state"]]),
        alert["shown"],
        ago(alert["since"], now),
        alert["severity"],
        "" if quiet is None else moment(quiet),
    ]


def rule_page(document: Mapping[str, Any]) -> Page:
    rule = document["rule"]
    lasting = f" for {coarse(rule['for'])}" if rule["for"] else ""
    told = f"an alert ({rule['severity']}) fires where {rule['metric']} {rule['operator']} "
    value = shown_value(rule["metric"], rule["threshold"])
    where = {None: "", "*": " in any queue"}.get(rule["queue"], f" in queue {rule['queue']}")
    return Page([Say(f"{told}{value}{where}{lasting}"), Next("see how it stands", "queuemgr alerts list")])


def removed_page(document: Mapping[str, Any]) -> Page:
    return Page([Say(f"the rule {document['removed']} is gone")])


def silenced_page(document: Mapping[str, Any]) -> Page:
    if document["until"] is None:
        return Page([Say(f"{document['rule']} is silent no more")])
    return Page([Say(f"nobody is told of {document['rule']} until {moment(document['until'])}")])
