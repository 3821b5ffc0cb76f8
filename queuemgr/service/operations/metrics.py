"""The measures of the last minute, for everything, for each queue and for each task. It keeps none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from queuemgr.service.observe.measuring import measure_now
from queuemgr.service.observe.sample import figures

from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.observe.sample import Sample
    from queuemgr.service.told import Figures, Metrics, QueueFigures, TaskFigures
    from queuemgr.tally import Count


async def show_metrics(client: AsyncClient) -> Metrics:
    """Figures of the last minute, None where nothing can be said."""
    sample = await measure_now(client)
    names = sorted({*(sample.gauges or ()), *sample.counts})
    return {
        "at": client.clock.now(),
        "seconds": sample.seconds,
        "metrics": cast("Figures", figures(sample)),
        "queues": {name: cast("QueueFigures", figures(sample, name)) for name in names},
        "tasks": [_task_facts(sample, *row) for row in sorted(sample.totals, key=lambda row: row[:2])],
    }


def _task_facts(sample: Sample, queue: str, task: str, count: Count) -> TaskFigures:
    runs = count.done + count.failed
    return {
        "queue": queue,
        "task": task,
        "succeeded": count.done,
        "failed": count.failed,
        "retried": count.retried,
        "dead": count.dead,
        "processing_rate": runs / sample.seconds,
        "failure_rate": count.failed / runs if runs else None,
        "avg_latency": count.run / runs if runs else None,
        "avg_wait": count.wait / count.waits if count.waits else None,
    }


OPERATIONS = (
    Operation(
        "metrics",
        show_metrics,
        Scope.READ,
        "GET /metrics",
        "metrics",
        "rates, failures, waits, latencies and the load of workers in the last minute",
    ),
)
