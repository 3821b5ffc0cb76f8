"""ProcessManager: a QueueSystem that is set up by one object."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .simple_api import REGISTRY, QueueSystem

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessManagerConfig:
    """Times are seconds. `stop_job_wait_timeout` is for how long a job that is stopped may end by itself."""

    registry_path: str = REGISTRY
    proc_dir: str | None = None
    shutdown_timeout: float = 30.0
    cleanup_interval: float = 60.0
    max_concurrent_jobs: int = 10
    command_timeout: float = 30.0
    stop_job_wait_timeout: float = 10.0
    startup_timeout: float = 10.0


class ProcessManager(QueueSystem):
    """As QueueSystem."""

    def __init__(self, config: ProcessManagerConfig | None = None) -> None:
        self.config = config or ProcessManagerConfig()
        super().__init__(
            self.config.registry_path,
            self.config.shutdown_timeout,
            proc_dir=self.config.proc_dir,
            cleanup_interval=self.config.cleanup_interval,
            max_concurrent_jobs=self.config.max_concurrent_jobs,
            stop_notice=self.config.stop_job_wait_timeout,
        )


@contextmanager
def ProcessManagerContext(config: ProcessManagerConfig | None = None) -> Iterator[ProcessManager]:  # noqa: N802 - its name
    """Start a manager, stop it at the end of the block."""
    with ProcessManager(config) as manager:
        yield manager
