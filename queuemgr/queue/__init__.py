"""JobQueue, for programs that keep their own list of jobs at hand."""

from __future__ import annotations

from .job_queue import JobQueue

__all__ = ["JobQueue"]
