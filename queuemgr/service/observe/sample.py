"""One measurement of a stretch of time, how several become one, and the figures in it. It reads no store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from queuemgr.errors import ValidationError, did_you_mean
from queuemgr.tally import Count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OF_QUEUES = (
    *("queue_length", "scheduled", "running", "dead", "oldest_wait"),
    *("processing_rate", "failure_rate", "avg_latency", "avg_wait"),
)
OF_WORKERS = ("worker_utilization", "workers", "memory")
METRICS = (*OF_QUEUES, *OF_WORKERS)
"""Seconds, bytes, runs a second; `failure_rate` and `worker_utilization` are 0 to 1."""


class Gauges(msgspec.Struct, array_like=True):
    """What stood in a queue; `oldest` is for how many seconds its first ready job had waited."""

    queued: float = 0.0
    scheduled: float = 0.0
    running: float = 0.0
    dead: float = 0.0
    oldest: float = 0.0


class Sample(msgspec.Struct, kw_only=True):
    """What was measured from `start` on for `seconds`. Without `gauges` nobody looked then; what ended is known.

    `capacity` are the slot seconds that workers offered, `busy` those in which something ran. `totals` counts by
    queue and task since the counting began.
    """

    start: float
    seconds: float
    gauges: dict[str, Gauges] | None = None
    counts: dict[str, Count] = {}
    workers: float | None = None
    busy: float = 0.0
    capacity: float = 0.0
    memory: float | None = None
    totals: list[tuple[str, str, Count]] = []


def merge(samples: Sequence[Sample]) -> Sample:
    """Several as one: counts are added, what stood there is averaged, of the oldest waits the longest is kept."""
    seen = [one for one in samples if one.gauges is not None]
    counts: dict[str, Count] = {}
    for one in samples:
        for queue, count in one.counts.items():
            counts.setdefault(queue, Count()).add(count)
    return Sample(
        start=samples[0].start,
        seconds=sum(one.seconds for one in samples),
        gauges=_averaged([one.gauges or {} for one in seen]) if seen else None,
        counts=counts,
        workers=_mean([one.workers for one in samples]),
        busy=sum(one.busy for one in samples),
        capacity=sum(one.capacity for one in samples),
        memory=_mean([one.memory for one in samples]),
    )


def figure(sample: Sample, metric: str, queue: str | None = None) -> float | None:
    """One metric of all queues or of one; None where nothing can be said: no run ended, nobody looked."""
    match metric:
        case "workers" | "memory":
            return sample.workers if metric == "workers" else sample.memory
        case "worker_utilization":
            return min(1.0, sample.busy / sample.capacity) if sample.capacity else None
        case "queue_length" | "scheduled" | "running" | "dead" | "oldest_wait":
            return _standing(sample, metric, queue)
    count = counted(sample, queue)
    runs = count.done + count.failed
    match metric:
        case "processing_rate":
            return runs / sample.seconds if sample.seconds else None
        case "failure_rate":
            return count.failed / runs if runs else None
        case "avg_latency":
            return count.run / runs if runs else None
    return count.wait / count.waits if count.waits else None


def counted(sample: Sample, queue: str | None = None) -> Count:
    """The counts of all queues, or of one."""
    whole = Count()
    for name, count in sample.counts.items():
        if queue is None or name == queue:
            whole.add(count)
    return whole


def figures(sample: Sample, queue: str | None = None) -> dict[str, float | None]:
    """Every metric; those of workers only where no queue is asked for."""
    return {name: figure(sample, name, queue) for name in (METRICS if queue is None else OF_QUEUES)}


def check_metric(metric: str, queue: str | None = None) -> str:
    """The metric's name. Raises ValidationError where there is none, or none for a single queue."""
    if metric not in METRICS:
        raise ValidationError("metric", metric, f"there is no metric {metric!r}: {did_you_mean(metric, METRICS)}")
    if queue is not None and metric in OF_WORKERS:
        raise ValidationError(
            "queue", queue, f"{metric} is measured for all workers together, not for a queue: leave the queue out"
        )
    return metric


def _standing(sample: Sample, metric: str, queue: str | None) -> float | None:
    if sample.gauges is None:
        return None
    seen = [gauges for name, gauges in sample.gauges.items() if queue is None or name == queue]
    if metric == "oldest_wait":
        return max((one.oldest for one in seen), default=0.0)
    field = {"queue_length": "queued"}.get(metric, metric)
    return float(sum(getattr(one, field) for one in seen))


def _averaged(seen: Sequence[dict[str, Gauges]]) -> dict[str, Gauges]:
    number, made = len(seen), {}
    for name in {name: None for gauges in seen for name in gauges}:
        of_it = [gauges[name] for gauges in seen if name in gauges]
        made[name] = Gauges(
            sum(one.queued for one in of_it) / number,
            sum(one.scheduled for one in of_it) / number,
            sum(one.running for one in of_it) / number,
            sum(one.dead for one in of_it) / number,
            max(one.oldest for one in of_it),
        )
    return made


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
