"""Runs tasks in processes: a fresh one for each job, or a few that are used again.

The worker (`executor`, `nursery`, `link`, `children`, `output`) starts one small process that has the app
imported (`zygote`) and forks those that jobs run in (`child`). Importing this package loads none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .executor import ProcessExecutor

__all__ = ["ProcessExecutor"]


def __getattr__(name: str) -> Any:
    # The zygote imports this package, too, and shall not carry the worker's half and asyncio into every job.
    if name == "ProcessExecutor":
        from .executor import ProcessExecutor

        return ProcessExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
