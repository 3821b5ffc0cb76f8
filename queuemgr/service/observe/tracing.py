"""OpenTelemetry: one trace from the producer of a job to its runs, and what is counted of both. It exports nothing.

Nothing of it is imported unless `trace` is called, and a job carries its trace in its options, as W3C traceparent.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import structs

from queuemgr import __version__
from queuemgr.clock import SystemClock
from queuemgr.errors import ConfigError
from queuemgr.outcome import Crashed, Done, Failed, Undecodable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from queuemgr.app import App
    from queuemgr.executor import Call, Executor
    from queuemgr.job import Job
    from queuemgr.outcome import Outcome
    from queuemgr.settings import WorkerSettings
    from queuemgr.store import Enqueued, Store

NAME = "queuemgr"
CARRIED = ("traceparent", "tracestate")


def trace(app: App, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None) -> None:
    """Let the app's producers and workers tell OpenTelemetry what they do, by these providers or the global ones.

    Call it beside the app, before its first verb. Each enqueueing is a span `enqueue TASK`, each attempt a span
    `run TASK` below it; tasks that run in a thread or asynchronously find their span as the current one.
    Raises ConfigError where opentelemetry-api is not installed.
    """
    if getattr(app, "_traced", False):
        return
    telemetry = Telemetry(tracer_provider, meter_provider)
    open_plain, executors_plain = app.aio._open, app._executors

    def executors(settings: WorkerSettings) -> dict[str, Callable[[], Executor]]:
        made: dict[int, Executor] = {}

        def traced(factory: Callable[[], Executor]) -> Callable[[], Executor]:
            def make() -> Executor:
                plain = factory()
                # Two kinds may share one executor, and so its wrapper.
                return made.setdefault(id(plain), TracedExecutor(plain, telemetry))

            return make

        return {kind: traced(factory) for kind, factory in executors_plain(settings).items()}

    if (opened := vars(app.aio).pop("store", None)) is not None:
        app.aio._open = lambda: TracedStore(opened, telemetry)
    else:
        app.aio._open = lambda: TracedStore(open_plain(), telemetry)
    app._executors = executors  # type: ignore[method-assign]
    app._traced = True  # type: ignore[attr-defined]


class Telemetry:
    """The spans and instruments. Raises ConfigError without opentelemetry-api."""

    def __init__(self, tracers: TracerProvider | None, meters: MeterProvider | None) -> None:
        try:
            from opentelemetry import metrics, propagate
            from opentelemetry import trace as tracing
        except ImportError as error:
            raise ConfigError("OpenTelemetry is not installed: pip install 'queuemgr[otel]'") from error
        self._api, self._propagate = tracing, propagate
        self._tracer = tracing.get_tracer(NAME, __version__, tracers)
        meter = metrics.get_meter(NAME, __version__, meters)
        self._sent = meter.create_counter("messaging.client.sent.messages", "{message}", "Jobs that were enqueued.")
        self._run = meter.create_counter("messaging.client.consumed.messages", "{message}", "Runs that ended.")
        self._lasted = meter.create_histogram("messaging.process.duration", "s", "How long runs took.")
        self._busy = meter.create_up_down_counter("queuemgr.worker.running", "{job}", "Jobs that run at this moment.")

    @contextmanager
    def enqueueing(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        """The jobs with the trace that they belong to."""
        if not jobs:
            yield []
            return
        tasks, queues = {job.task for job in jobs}, {job.queue for job in jobs}
        attributes: dict[str, Any] = _attributes("enqueue", "send")
        if len(queues) == 1:
            attributes["messaging.destination.name"] = jobs[0].queue
        if len(jobs) == 1:
            attributes["messaging.message.id"] = jobs[0].id
        else:
            attributes["messaging.batch.message_count"] = len(jobs)
        name = f"enqueue {jobs[0].task}" if len(tasks) == 1 else f"enqueue {len(jobs)} jobs"
        kind = self._api.SpanKind.PRODUCER
        with self._tracer.start_as_current_span(name, kind=kind, attributes=attributes):
            carrier: dict[str, str] = {}
            self._propagate.inject(carrier)
            told = {key: carrier[key] for key in CARRIED if key in carrier}
            yield [structs.replace(job, options={**(job.options or {}), **told}) if told else job for job in jobs]
        for job in jobs:
            self._sent.add(1, {"messaging.destination.name": job.queue, "queuemgr.task": job.task})

    async def around(self, call: Call, run: Callable[[Call], Any]) -> Outcome:
        """Run it within a span that follows the one which enqueued it."""
        lease = call.lease
        carrier = {key: value for key in CARRIED if isinstance(value := (lease.options or {}).get(key), str)}
        parent = self._propagate.extract(carrier) if carrier else None
        origin = self._api.get_current_span(parent).get_span_context() if parent is not None else None
        attributes = _attributes("run", "process") | {
            "messaging.destination.name": lease.queue,
            "messaging.message.id": lease.id,
            "queuemgr.task": lease.task,
            "queuemgr.attempt": lease.attempt,
        }
        links = [self._api.Link(origin)] if origin is not None and origin.is_valid else []
        kind = self._api.SpanKind.CONSUMER
        short = {"messaging.destination.name": lease.queue, "queuemgr.task": lease.task}
        began = SystemClock.monotonic()
        self._busy.add(1, short)
        outcome: Outcome | None = None
        try:
            with self._tracer.start_as_current_span(
                f"run {lease.task}", parent, kind=kind, attributes=attributes, links=links
            ) as span:
                outcome = await run(call)
                self._tell(span, outcome)
        finally:
            self._busy.add(-1, short)
            ended = short | {"queuemgr.outcome": _word(outcome)}
            self._run.add(1, ended)
            self._lasted.record(SystemClock.monotonic() - began, ended)
        return outcome

    def _tell(self, span: Span, outcome: Outcome) -> None:
        span.set_attribute("queuemgr.outcome", _word(outcome))
        match outcome:
            case Failed(error=error) | Crashed(error=error):
                kind, message = str(error.get("type", "")), str(error.get("message", ""))
                span.set_attribute("error.type", kind)
                facts = {"exception.type": kind, "exception.message": message}
                if trace_text := error.get("traceback"):
                    facts["exception.stacktrace"] = str(trace_text)
                span.add_event("exception", facts)
                span.set_status(self._api.StatusCode.ERROR, message)
            case Undecodable(reason):
                span.set_status(self._api.StatusCode.ERROR, reason)
            case Done():
                span.set_status(self._api.StatusCode.OK)


class TracedStore:
    """A Store whose new jobs carry their trace. What is not named here goes to the store as it is."""

    def __init__(self, store: Store, telemetry: Telemetry) -> None:
        self._store = store
        self._telemetry = telemetry

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        match name:
            case "enqueue_now" | "enqueue_on":
                return self._traced(value)
            case "enqueue_on_async":
                return self._traced_async(value)
        return value

    async def enqueue(self, jobs: Sequence[Job]) -> list[Enqueued]:
        with self._telemetry.enqueueing(jobs) as traced:
            return await self._store.enqueue(traced)

    def _traced(self, plain: Callable[..., list[Enqueued]]) -> Callable[..., list[Enqueued]]:
        def send(*given: Any) -> list[Enqueued]:
            *before, jobs = given
            with self._telemetry.enqueueing(jobs) as traced:
                return plain(*before, traced)

        return send

    def _traced_async(self, plain: Callable[..., Awaitable[list[Enqueued]]]) -> Callable[..., Any]:
        async def send(connection: Any, jobs: Sequence[Job]) -> list[Enqueued]:
            with self._telemetry.enqueueing(jobs) as traced:
                return await plain(connection, traced)

        return send


class TracedExecutor:
    """An Executor each of whose runs is a span."""

    def __init__(self, executor: Executor, telemetry: Telemetry) -> None:
        self._executor = executor
        self._telemetry = telemetry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)

    async def open(self) -> None:
        await self._executor.open()

    async def close(self) -> None:
        await self._executor.close()

    async def run(self, call: Call) -> Outcome:
        return await self._telemetry.around(call, self._executor.run)

    def interrupt(self, call: Call, why: Any) -> str | None:
        return self._executor.interrupt(call, why)


def _attributes(operation: str, kind: str) -> dict[str, Any]:
    return {"messaging.system": NAME, "messaging.operation.name": operation, "messaging.operation.type": kind}


def _word(outcome: Outcome | None) -> str:
    return "broken off" if outcome is None else type(outcome).__name__.lower()
