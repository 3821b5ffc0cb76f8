"""What the store knows, as plain data under stable names: the form in which other programs get it.

Times are seconds since the epoch, durations seconds, sizes bytes; states are words. It asks the store nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from queuemgr.job import State
from queuemgr.liveness import this_host
from queuemgr.recurrence import Cron, describe

if TYPE_CHECKING:
    from queuemgr.job import Attempt, JobRecord
    from queuemgr.store import QueueInfo, ScheduleInfo, WorkerInfo
    from queuemgr.task import Task

    from .lines import Line
    from .told import AttemptFacts, JobFacts, LineFacts, QueueFacts, ScheduleFacts, TaskFacts, WorkerFacts
    from .told.units import StateWord, StreamWord

Facts = dict[str, Any]
"""An answer on its way, of whatever operation; what is in it is declared in `queuemgr.service.told`."""


def word_of(state: State) -> StateWord:
    return cast("StateWord", state.word)


def stream_of(line: Line) -> StreamWord:
    return cast("StreamWord", line.stream)


def job_facts(record: JobRecord, now: float) -> JobFacts:
    return {
        "id": record.id,
        "task": record.task,
        "queue": record.queue,
        "state": word_of(record.state),
        "priority": record.priority,
        "created_at": record.created_at,
        "run_at": record.run_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "expires_at": record.expires_at,
        "attempt": record.attempt,
        "failures": record.failures,
        "crashes": record.crashes,
        "worker": record.worker,
        "progress": record.progress,
        "note": record.note,
        "error": record.error,
        "unique_key": record.unique_key,
        "options": record.options,
        "cancel_requested": record.cancel_requested,
        "result_size": record.result_size,
        "tags": list(record.tags),
        # As text, because many readers of JSON take large numbers for floats.
        "position": str(record.position),
        "seconds_left": record.seconds_left(now),
    }


def attempt_facts(attempt: Attempt) -> AttemptFacts:
    return {
        "number": attempt.number,
        "worker": attempt.worker,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "duration": attempt.duration,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "exit_signal": attempt.exit_signal,
        "peak_memory": attempt.peak_memory,
    }


def line_facts(line: Line) -> LineFacts:
    return {
        "position": line.position,
        "attempt": line.attempt,
        "at": line.at,
        "stream": stream_of(line),
        "text": line.text,
    }


def queue_facts(info: QueueInfo) -> QueueFacts:
    return {
        "name": info.name,
        "paused": info.paused,
        "limit": info.limit,
        "oldest_ready": info.oldest_ready,
        "counts": {word_of(state): info.counts.get(state, 0) for state in State},
    }


def worker_facts(info: WorkerInfo) -> WorkerFacts:
    return {
        "id": info.id,
        "name": info.name,
        "alive": info.alive,
        "state": info.state,
        "host": info.host,
        "here": info.host == this_host(),
        "pid": info.pid,
        "queues": list(info.queues),
        "tasks": list(info.tasks),
        "concurrency": info.concurrency,
        "started_at": info.started_at,
        "beat_at": info.beat_at,
    }


def schedule_facts(info: ScheduleInfo) -> ScheduleFacts:
    schedule = info.schedule
    cron = isinstance(schedule.rule, Cron)
    return {
        "name": schedule.name,
        "rule": schedule.rule.expression if isinstance(schedule.rule, Cron) else describe(schedule.rule),
        "zone": schedule.rule.zone if isinstance(schedule.rule, Cron) else None,
        "kind": "cron" if cron else "every",
        "words": describe(schedule.rule),
        "task": schedule.job.task,
        "queue": schedule.job.queue,
        "missed": str(schedule.missed),
        "paused": schedule.paused,
        "next_at": info.next_at,
        "last_at": info.last_at,
        "last_job": info.last_job,
    }


def task_facts(task: Task[..., Any, Any]) -> TaskFacts:
    options = task.options
    return {
        "name": task.name,
        "signature": _signature(task),
        "queue": options.queue,
        "priority": options.priority,
        "executor": options.executor or task.kind,
        "attempts": options.attempts,
        "timeout": options.timeout,
        "at_most_once": options.at_most_once,
        "description": _first_line(task.function.__doc__),
    }


def _signature(task: Task[..., Any, Any]) -> str:
    import inspect

    from queuemgr.arguments import signature_of

    try:
        found = inspect.signature(task.function, eval_str=True)
    except (NameError, TypeError, AttributeError, SyntaxError):
        found = signature_of(task.function)
    return str(found.replace(return_annotation=inspect.Signature.empty))


def _first_line(text: str | None) -> str | None:
    return text.strip().partition("\n")[0] if text and text.strip() else None
