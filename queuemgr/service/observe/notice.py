"""What somebody is told of an alert: as data, as a sentence. It sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.service.words import duration, size

if TYPE_CHECKING:
    from .alerting import Standing


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """`event` is "firing" or "resolved"; `id` is the same in every copy, so that a receiver can drop the second."""

    id: str
    event: str
    rule: str
    queue: str | None
    severity: str
    metric: str
    value: float | None
    threshold: float
    since: float
    at: float
    store: str
    text: str


def notice_of(standing: Standing, event: str, now: float, store: str) -> Notice:
    return Notice(
        id=f"{standing.key} {standing.fired_at:.3f} {event}",
        event=event,
        rule=standing.rule,
        queue=standing.queue,
        severity=standing.severity,
        metric=standing.metric,
        value=standing.value,
        threshold=standing.threshold,
        since=standing.fired_at or now,
        at=now,
        store=store,
        text=_sentence(standing, event, now),
    )


def shown_value(metric: str, value: float | None) -> str:
    """The value as people say it: `7 %`, `3 min`, `1.5 GB`, `1,200`."""
    if value is None:
        return "unknown"
    match metric:
        case "failure_rate" | "worker_utilization":
            return f"{100 * value:.3g} %"
        case "avg_latency" | "avg_wait" | "oldest_wait":
            return duration(value)
        case "memory":
            return size(int(value))
        case "processing_rate":
            return f"{value:.3g}/s"
    return f"{value:,.0f}"


def json_of(notice: Notice) -> bytes:
    return msgspec.json.encode(notice)


def plain(notice: Notice) -> dict[str, Any]:
    return msgspec.structs.asdict(notice)


def _sentence(standing: Standing, event: str, now: float) -> str:
    where = f" in queue {standing.queue}" if standing.queue is not None else ""
    value = shown_value(standing.metric, standing.value)
    if event == "firing":
        return f"{standing.rule}{where}: {standing.metric} is {value} ({standing.severity})"
    lasted = duration((standing.since if standing.over else now) - (standing.fired_at or now))
    return f"{standing.rule}{where}: over after {lasted}, {standing.metric} is {value}"
