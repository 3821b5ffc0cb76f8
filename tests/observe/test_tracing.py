"""One trace from the producer of a job to its runs, as OpenTelemetry's own SDK collects it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as tracing
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from queuemgr import App, Backoff
from queuemgr.service.observe.tracing import trace
from queuemgr.task import Task


class Collected:
    """A traced app, and all that its spans and instruments said."""

    def __init__(self, url: str) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])
        self.app = App(url, backoff=Backoff("fixed", 0.0))
        trace(self.app, self.tracers, self.meters)

    def work(self) -> None:
        async def run() -> None:
            try:
                await self.app.worker(burst=True, concurrency=2).run()
            finally:
                await self.app.aio.store.close()

        asyncio.run(asyncio.wait_for(run(), 60))

    def spans(self, beginning: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name.startswith(beginning)]

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(f"sqlite:///{tmp_path}/jobs.db")
    yield made
    made.app.close()
    made.tracers.shutdown()
    made.meters.shutdown()


def inside() -> str:
    """The trace that this code runs in."""
    return f"{tracing.get_current_span().get_span_context().trace_id:032x}"


def test_a_run_belongs_to_the_trace_that_enqueued_it(collected: Collected) -> None:
    task = collected.app.task(queue="mail")(inside)
    with collected.tracers.get_tracer("test").start_as_current_span("request") as request:
        handle = task.enqueue()
    collected.work()
    (sent,), (run,) = collected.spans("enqueue"), collected.spans("run")
    trace_id = request.get_span_context().trace_id
    assert (sent.name, run.name) == (f"enqueue {task.name}", f"run {task.name}")
    assert (sent.kind, run.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert sent.context.trace_id == run.context.trace_id == trace_id
    assert run.parent is not None
    assert run.parent.span_id == sent.context.span_id
    assert [link.context.span_id for link in run.links] == [sent.context.span_id]
    assert run.status.status_code is StatusCode.OK
    assert handle.result(timeout=5) == f"{trace_id:032x}"


def test_both_sides_say_what_the_conventions_ask_for(collected: Collected) -> None:
    handle = collected.app.task(queue="mail")(inside).enqueue()
    collected.work()
    for name, operation, kind in (("enqueue", "enqueue", "send"), ("run", "run", "process")):
        (span,) = collected.spans(name)
        said = dict(span.attributes or {})
        assert said["messaging.system"] == "queuemgr"
        assert said["messaging.operation.name"] == operation
        assert said["messaging.operation.type"] == kind
        assert said["messaging.destination.name"] == "mail"
        assert said["messaging.message.id"] == handle.id


def test_an_asynchronous_task_finds_its_span_as_the_current_one(collected: Collected) -> None:
    async def task() -> str:
        return inside()

    made: Task[..., Any, Any] = collected.app.task(task)
    handle = made.enqueue()
    collected.work()
    (run,) = collected.spans("run")
    assert handle.result(timeout=5) == f"{run.context.trace_id:032x}"


def test_every_attempt_is_a_span_of_its_own_and_a_failure_is_told(collected: Collected) -> None:
    @collected.app.task(attempts=2)
    def fails() -> None:
        raise ValueError("no paper")

    fails.enqueue()
    collected.work()
    runs = collected.spans("run")
    assert [(span.attributes or {})["queuemgr.attempt"] for span in runs] == [1, 2]
    assert len({span.context.trace_id for span in runs}) == 1
    assert runs[0].status.status_code is StatusCode.ERROR
    assert runs[0].status.description == "no paper"
    (event,) = runs[0].events
    assert (event.attributes or {})["exception.type"] == "builtins.ValueError"


def test_many_jobs_in_one_call_are_one_span_that_all_of_them_follow(collected: Collected) -> None:
    task = collected.app.task(inside)
    collected.app.client.enqueue_many(task.call() for _ in range(3))
    collected.work()
    (sent,) = collected.spans("enqueue")
    assert (sent.attributes or {})["messaging.batch.message_count"] == 3
    assert {span.parent.span_id for span in collected.spans("run") if span.parent} == {sent.context.span_id}


@pytest.mark.parametrize("how", ["aenqueue", "enqueue_many"])
def test_asynchronous_producers_are_traced_too(collected: Collected, how: str) -> None:
    task = collected.app.task(inside)

    async def produce() -> None:
        if how == "aenqueue":
            await task.aenqueue()
        else:
            await collected.app.aio.enqueue_many([task.call()])
        await collected.app.aio.store.close()

    asyncio.run(produce())
    collected.work()
    assert len(collected.spans("enqueue")) == len(collected.spans("run")) == 1


def test_a_jobs_own_options_stay_beside_its_trace(collected: Collected) -> None:
    @collected.app.task(attempts=5)
    def fails() -> None:
        raise ValueError

    fails.using(attempts=1).enqueue()
    collected.work()
    assert len(collected.spans("run")) == 1


def test_a_worker_that_is_not_traced_runs_traced_jobs(collected: Collected) -> None:
    task = collected.app.task(name="inside")(inside)
    handle = task.enqueue()
    plain = App(collected.app.url)
    plain.task(name="inside")(inside)

    async def run() -> None:
        await plain.worker(burst=True).run()
        await plain.aio.store.close()

    asyncio.run(run())
    assert handle.result(timeout=5) == "0" * 32
    assert collected.spans("run") == []


def test_runs_and_their_lengths_are_counted(collected: Collected) -> None:
    task = collected.app.task(inside)
    for _ in range(3):
        task.enqueue()
    collected.work()
    (sent,) = collected.points("messaging.client.sent.messages")
    (run,) = collected.points("messaging.client.consumed.messages")
    (lasted,) = collected.points("messaging.process.duration")
    (busy,) = collected.points("queuemgr.worker.running")
    assert (sent.value, run.value, lasted.count, busy.value) == (3, 3, 3, 0)
    assert run.attributes["queuemgr.outcome"] == "done"


def test_nothing_of_it_is_imported_where_it_is_not_configured(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from queuemgr import App\n"
        f"app = App('sqlite:///{tmp_path}/x.db')\n"
        "task = app.task(name='t')(lambda: 1)\n"
        "task.enqueue()\n"
        "async def run():\n"
        "    await app.worker(burst=True).run()\n"
        "    await app.aio.store.close()\n"
        "asyncio.run(run())\n"
        "app.close()\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'prometheus_client'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tracing_twice_is_tracing_once(collected: Collected) -> None:
    trace(collected.app, collected.tracers, collected.meters)
    collected.app.task(inside).enqueue()
    assert len(collected.spans("enqueue")) == 1
