"""The measures in the text form that Prometheus reads. It serves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr import __version__
from queuemgr.tally import MINUTE

from . import history
from .alerting import Phase
from .measuring import Reader, add_totals, counted_from, measure_now
from .standing import Alerts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

    from queuemgr.client import AsyncClient
    from queuemgr.tally import Count

    from .alerting import Standing
    from .sample import Gauges, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Totals = list[tuple[str, str, "Count"]]


async def prometheus_text(client: AsyncClient) -> bytes:
    """The body of an answer of CONTENT_TYPE. Raises StoreError.

    Counters go on over restarts of workers and of managers; they begin anew after six hours without any manager.
    """
    from prometheus_client import CollectorRegistry, generate_latest

    reader = Reader(client.store)
    sample = await measure_now(client, reader)
    totals = await _totals(client, reader)
    paused = {info.name: info.paused for info in await client.queues()}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected([*_families(sample, totals, paused, (await Alerts(client.store).state()).values())]))
    return generate_latest(registry)


class _Collected:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


async def _totals(client: AsyncClient, reader: Reader) -> Totals:
    """What the last minute in the history says, and what workers have told since."""
    minute = int(client.clock.now()) // MINUTE
    numbers = range(minute, minute - 15, -1)
    found = await history.get(client.store, history.MINUTES, numbers)
    for number, sample in zip(numbers, found, strict=True):
        if sample is not None:
            return await _with_later(sample.totals, reader, range(number + 1, minute + 1))
    return await _with_later([], reader, range(minute - 10, minute + 1))


async def _with_later(totals: Totals, reader: Reader, minutes: Iterable[int]) -> Totals:
    for minute in minutes:
        totals = add_totals(totals, counted_from(await reader.of(minute), 0.0).totals)
    return totals


def _families(sample: Sample, totals: Totals, paused: dict[str, bool], alerts: Iterable[Standing]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    gauge: Any = GaugeMetricFamily
    info = gauge("queuemgr_build_info", "The version of queuemgr.", labels=["version"])
    info.add_metric([__version__], 1)
    yield info
    yield from _queue_families(gauge, sample.gauges or {}, paused)
    yield from _run_families(totals)
    yield gauge("queuemgr_workers", "Workers that are alive.", value=sample.workers or 0)
    busy = min(1.0, sample.busy / sample.capacity) if sample.capacity else 0.0
    share = "Share of the workers' slots that were busy in the last minute."
    yield gauge("queuemgr_worker_busy_ratio", share, value=busy)
    memory = "Memory of the workers and of the processes that they started."
    yield gauge("queuemgr_worker_memory_bytes", memory, value=sample.memory or 0)
    firing: dict[str, int] = {}
    for alert in alerts:
        firing[alert.severity] = firing.get(alert.severity, 0) + (alert.state is Phase.FIRING)
    family = gauge("queuemgr_alerts_firing", "Alerts that fire.", labels=["severity"])
    for severity, number in sorted(firing.items()):
        family.add_metric([severity], number)
    yield family


def _queue_families(gauge: Any, gauges: dict[str, Gauges], paused: dict[str, bool]) -> Iterator[Metric]:
    jobs = gauge("queuemgr_jobs", "Jobs in a queue that have not ended well.", labels=["queue", "state"])
    oldest = gauge("queuemgr_oldest_ready_seconds", "For how long the first ready job has waited.", labels=["queue"])
    halted = gauge("queuemgr_queue_paused", "1 where no worker takes jobs from the queue.", labels=["queue"])
    for queue, one in sorted(gauges.items()):
        for state in ("queued", "scheduled", "running", "dead"):
            jobs.add_metric([queue, state], getattr(one, state))
        oldest.add_metric([queue], one.oldest)
        halted.add_metric([queue], float(paused.get(queue, False)))
    yield from (jobs, oldest, halted)


def _run_families(totals: Totals) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

    names = ["queue", "task"]
    runs = CounterMetricFamily("queuemgr_runs", "Runs that ended.", labels=[*names, "outcome"])
    retries = CounterMetricFamily("queuemgr_retries", "Runs that failed and were tried again.", labels=names)
    dead = CounterMetricFamily("queuemgr_dead", "Jobs that were given up.", labels=names)
    spent = SummaryMetricFamily("queuemgr_run_seconds", "How long runs took.", labels=names)
    waited = SummaryMetricFamily(
        "queuemgr_wait_seconds", "From the making of a job to its first run, of some of the jobs.", labels=names
    )
    for queue, task, count in sorted(totals, key=lambda row: row[:2]):
        labels = [queue, task]
        runs.add_metric([*labels, "succeeded"], count.done)
        runs.add_metric([*labels, "failed"], count.failed)
        retries.add_metric(labels, count.retried)
        dead.add_metric(labels, count.dead)
        spent.add_metric(labels, count.done + count.failed, count.run)
        waited.add_metric(labels, count.waits, count.wait)
    yield from (runs, retries, dead, spent, waited)
