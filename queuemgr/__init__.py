"""A job queue that starts with one command and loses nothing. Names are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import App
    from .context import Cancel, JobContext, Snooze, current_job, track
    from .job import JobRecord, State
    from .options import Backoff
    from .secret import Secret
    from .store import Query

__version__ = "0.1.0"

_HOMES = {
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
    "Backoff",
    "Cancel",
    "JobContext",
    "JobRecord",
    "Query",
    "Secret",
    "Snooze",
    "State",
    "current_job",
    "track",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'queuemgr' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
