"""Measures, their history and alerts, as answers tell them. A figure is null where nothing can be said."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from .units import Moment, Rate, Seconds, Share

Threshold = Annotated[float, Meta(description="in the unit of the metric")]


class QueueFigures(TypedDict):
    queue_length: float | None
    scheduled: float | None
    running: float | None
    dead: float | None
    oldest_wait: Seconds | None
    processing_rate: Rate | None
    failure_rate: Share | None
    avg_latency: Seconds | None
    avg_wait: Seconds | None


class Figures(QueueFigures):
    worker_utilization: Share | None
    workers: float | None
    memory: Annotated[float | None, Meta(description="bytes")]


class TaskFigures(TypedDict):
    queue: str
    task: str
    succeeded: int
    failed: int
    retried: int
    dead: int
    processing_rate: Rate
    failure_rate: Share | None
    avg_latency: Seconds | None
    avg_wait: Seconds | None


class Metrics(TypedDict):
    at: Moment
    seconds: Annotated[float, Meta(description="for how long was measured")]
    metrics: Figures
    queues: dict[str, QueueFigures]
    tasks: list[TaskFigures]


class History(TypedDict):
    at: Moment
    start: Moment
    step: Annotated[float, Meta(description="seconds from one value to the next")]
    queue: str | None
    series: Annotated[dict[str, list[float | None]], Meta(description="by metric, oldest first")]


_AlertRule = TypedDict(
    "_AlertRule", {"for": Annotated[float, Meta(description="seconds for which it must hold before it fires")]}
)


class AlertRule(_AlertRule):
    rule: Annotated[str, Meta(description="as it was written, which is its name")]
    metric: str
    operator: Annotated[str, Meta(description="> >= < <=")]
    threshold: Threshold
    severity: str
    queue: Annotated[str | None, Meta(description="* judges each queue by itself")]
    origin: str


class AlertFacts(TypedDict):
    rule: str
    queue: str | None
    severity: str
    state: Annotated[str, Meta(description="ok, pending or firing")]
    since: Moment
    metric: str
    value: Annotated[float | None, Meta(description="in the unit of the metric")]
    shown: Annotated[str, Meta(description="the value as people say it")]
    threshold: Threshold
    fired_at: Moment | None
    silenced_until: Moment | None


class SilenceFacts(TypedDict):
    rule: str
    until: Moment
    who: str
    why: str


class DeliveryFacts(TypedDict):
    at: Moment
    target: str
    rule: str
    queue: str | None
    event: str
    error: Annotated[str | None, Meta(description="why nobody could be told")]


class AlertList(TypedDict):
    at: Moment
    firing: Annotated[int, Meta(description="how many fire")]
    rules: list[AlertRule]
    alerts: Annotated[list[AlertFacts], Meta(description="those that fire first")]
    silences: list[SilenceFacts]
    deliveries: Annotated[list[DeliveryFacts], Meta(description="who was told last")]


class AlertAdded(TypedDict):
    rule: AlertRule


class AlertSilenced(TypedDict):
    rule: str
    until: Annotated[Moment | None, Meta(description="null where a silence was ended")]
