"""What the store knows, as plain data under stable names: the form in which other programs get it.

Times are seconds since the epoch, durations seconds, sizes bytes; states are words. It asks the store nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuemgr.job import State
from queuemgr.liveness import this_host
from queuemgr.recurrence import Cron, describe

if TYPE_CHECKING:
    from queuemgr.job import Attempt, JobRecord
    from queuemgr.store import QueueInfo, ScheduleInfo, WorkerInfo
    from queuemgr.task import Task

    from .lines import Line

Facts = dict[str, Any]

_AS_THEY_ARE = (
    *("priority", "created_at", "run_at", "started_at", "finished_at", "expires_at", "attempt", "failures", "crashes"),
    *("worker", "progress", "note", "error", "unique_key", "options", "cancel_requested", "result_size"),
)
_OF_ATTEMPT = (
    "number",
    "worker",
    "started_at",
    "ended_at",
    "duration",
    "outcome",
    "error",
    "exit_signal",
    "peak_memory",
)


def job_facts(record: JobRecord, now: float) -> Facts:
    # As text, because many readers of JSON take large numbers for floats.
    return {
        "id": record.id,
        "task": record.task,
        "queue": record.queue,
        "state": record.state.word,
        **{name: getattr(record, name) for name in _AS_THEY_ARE},
        "tags": list(record.tags),
        "position": str(record.position),
        "seconds_left": record.seconds_left(now),
    }


def attempt_facts(attempt: Attempt) -> Facts:
    return {name: getattr(attempt, name) for name in _OF_ATTEMPT}


def line_facts(line: Line) -> Facts:
    return {name: getattr(line, name) for name in ("position", "attempt", "at", "stream", "text")}


def queue_facts(info: QueueInfo) -> Facts:
    return {
        "name": info.name,
        "paused": info.paused,
        "limit": info.limit,
        "oldest_ready": info.oldest_ready,
        "counts": {state.word: info.counts.get(state, 0) for state in State},
    }


def worker_facts(info: WorkerInfo) -> Facts:
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


def schedule_facts(info: ScheduleInfo) -> Facts:
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


def task_facts(task: Task[..., Any, Any]) -> Facts:
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

    try:
        found = inspect.signature(task.function, eval_str=True)
    except (NameError, TypeError, AttributeError, SyntaxError):
        found = inspect.signature(task.function)
    return str(found.replace(return_annotation=inspect.Signature.empty))


def _first_line(text: str | None) -> str | None:
    return text.strip().partition("\n")[0] if text and text.strip() else None
