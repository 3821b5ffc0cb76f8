"""ProcessManager: a QueueSystem that is set up by one object."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .core.retention import retention_of
from .simple_api import REGISTRY, QueueSystem

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class ProcessManagerConfig:
    """Times are seconds. `stop_job_wait_timeout` is for how long a job that is stopped may end by itself, and
    `startup_timeout` for how long the service may take to start, None for as long as it takes. How long jobs stay: see
    `core.retention.retention`.
    """

    registry_path: str = REGISTRY
    shutdown_timeout: float = 30.0
    cleanup_interval: float = 60.0
    command_timeout: float = 30.0
    stop_job_wait_timeout: float = 10.0
    max_concurrent_jobs: int = 10
    max_queue_size: int | None = None
    per_job_type_limits: dict[str, int] | None = None
    completed_job_retention_seconds: float | None = None
    terminal_job_retention_seconds: float | None = None
    failed_terminal_retention_seconds: float | None = None
    stopped_terminal_retention_seconds: float | None = None
    deleted_terminal_retention_seconds: float | None = None
    max_retained_terminal_jobs: int | None = 1000
    startup_timeout: float | None = None
    pending_job_retention_seconds: float | None = None
    proc_dir: str | None = None

    def settings(self) -> dict[str, Any]:
        """The same by the names of QueueSystem. Raises ValueError."""
        return {
            "registry_path": self.registry_path,
            "shutdown_timeout": self.shutdown_timeout,
            "proc_dir": self.proc_dir,
            "command_timeout": self.command_timeout,
            "startup_timeout": self.startup_timeout,
            "cleanup_interval": self.cleanup_interval,
            "max_concurrent_jobs": self.max_concurrent_jobs,
            "stop_notice": self.stop_job_wait_timeout,
            **retention_of(self),
        }


class ProcessManager(QueueSystem):
    """As QueueSystem."""

    def __init__(self, config: ProcessManagerConfig | None = None) -> None:
        self.config = config or ProcessManagerConfig()
        super().__init__(**self.config.settings())


@contextmanager
def ProcessManagerContext(config: ProcessManagerConfig | None = None) -> Iterator[ProcessManager]:  # noqa: N802 - its name
    """Start a manager, stop it at the end of the block."""
    with ProcessManager(config) as manager:
        yield manager
