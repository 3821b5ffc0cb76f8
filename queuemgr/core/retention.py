"""For how long ended jobs stay, by the older names of these settings. It forgets no job itself."""

from __future__ import annotations

from inspect import signature
from math import isfinite
from typing import Any


def retention(  # noqa: PLR0917 - in the order in which they have always been given
    max_queue_size: int | None = None,
    per_job_type_limits: dict[str, int] | None = None,
    completed_job_retention_seconds: float | None = None,
    terminal_job_retention_seconds: float | None = None,
    failed_terminal_retention_seconds: float | None = None,
    stopped_terminal_retention_seconds: float | None = None,
    deleted_terminal_retention_seconds: float | None = None,
    max_retained_terminal_jobs: int | None = 1000,
    pending_job_retention_seconds: float | None = None,
) -> dict[str, Any]:
    """The service's settings for these. Times are seconds. Raises ValueError.

    At most `max_queue_size` jobs are known: the oldest ended ones make room, and where there is none a new job is
    refused. `per_job_type_limits` {class name: number} holds for the jobs of a class that have not ended. Ended jobs
    are forgotten after `completed_...` seconds or else after those of their kind, by default `terminal_...`; and the
    oldest beyond `max_retained_terminal_jobs`. A job that nobody started within `pending_...` seconds is deleted.
    """
    if pending_job_retention_seconds is not None:
        require_positive("pending_job_retention_seconds", pending_job_retention_seconds, " or None")
    every = completed_job_retention_seconds
    kinds = (failed_terminal_retention_seconds, stopped_terminal_retention_seconds, deleted_terminal_retention_seconds)
    failed, stopped, deleted = kinds if every is None else (every, every, every)
    return {
        "max_queue_size": max_queue_size,
        "per_job_type_limits": per_job_type_limits or {},
        "max_retained_jobs": max_retained_terminal_jobs,
        "keep": terminal_job_retention_seconds if every is None else every,
        "keep_failed": failed,
        "keep_stopped": stopped,
        "keep_deleted": deleted,
        "keep_pending": pending_job_retention_seconds,
    }


def retention_of(config: object) -> dict[str, Any]:
    """What `retention` makes of the attributes of these names. Raises ValueError."""
    return retention(**{name: getattr(config, name) for name in signature(retention).parameters})


def require_positive(name: str, value: float, more: str = "") -> None:
    """Raises ValueError."""
    if isinstance(value, bool) or not (isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a finite number greater than zero{more}")
