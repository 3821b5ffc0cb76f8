"""A job queue that starts with one command and loses nothing. Names are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import App
    from .async_process_manager import AsyncProcessManager
    from .async_simple_api import (
        AsyncQueueSystem,
        async_queue_system_context,
        get_global_async_queue,
        shutdown_global_async_queue,
    )
    from .async_simple_queue import AsyncSimpleQueue, async_simple_queue_context
    from .context import Cancel, JobContext, Snooze, current_job, track
    from .exceptions import (
        InvalidJobStateError,
        JobAlreadyExistsError,
        JobExecutionError,
        JobNotFoundError,
        ProcessControlError,
        QueueManagerError,
        RegistryError,
        ValidationError,
    )
    from .exceptions import TimeoutError as TimeoutError  # noqa: A004 - the name that older programs know
    from .job import JobRecord, State
    from .jobs.base import QueueJobBase
    from .options import Backoff
    from .process_manager import ProcessManager
    from .queue import JobQueue
    from .secret import Secret
    from .simple_api import QueueSystem
    from .store import Query

__version__ = "0.3.0"

_HOMES = {
    "AsyncProcessManager": "async_process_manager",
    "AsyncQueueSystem": "async_simple_api",
    "AsyncSimpleQueue": "async_simple_queue",
    "InvalidJobStateError": "exceptions",
    "JobAlreadyExistsError": "exceptions",
    "JobExecutionError": "exceptions",
    "JobNotFoundError": "exceptions",
    "JobQueue": "queue",
    "ProcessControlError": "exceptions",
    "ProcessManager": "process_manager",
    "QueueJobBase": "jobs.base",
    "QueueManagerError": "exceptions",
    "QueueSystem": "simple_api",
    "RegistryError": "exceptions",
    "TimeoutError": "exceptions",
    "ValidationError": "exceptions",
    "async_queue_system_context": "async_simple_api",
    "async_simple_queue_context": "async_simple_queue",
    "get_global_async_queue": "async_simple_api",
    "shutdown_global_async_queue": "async_simple_api",
    "App": "app",
    "Backoff": "options",
    "Cancel": "context",
    "JobContext": "context",
    "JobRecord": "job",
    "Query": "store",
    "Secret": "secret",
    "Snooze": "context",
    "State": "job",
    "current_job": "context",
    "track": "context",
}
__all__ = [
    "App",
    "AsyncProcessManager",
    "AsyncQueueSystem",
    "AsyncSimpleQueue",
    "Backoff",
    "Cancel",
    "InvalidJobStateError",
    "JobAlreadyExistsError",
    "JobContext",
    "JobExecutionError",
    "JobNotFoundError",
    "JobQueue",
    "JobRecord",
    "ProcessControlError",
    "ProcessManager",
    "Query",
    "QueueJobBase",
    "QueueManagerError",
    "QueueSystem",
    "RegistryError",
    "Secret",
    "Snooze",
    "State",
    "ValidationError",
    "async_queue_system_context",
    "async_simple_queue_context",
    "current_job",
    "get_global_async_queue",
    "shutdown_global_async_queue",
    "track",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'queuemgr' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
