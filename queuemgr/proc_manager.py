"""ProcManager: a ProcQueueSystem that is set up by one object, or when it is started."""

from __future__ import annotations

from dataclasses import dataclass

from .core.retention import retention_of
from .proc_api import PROC_DIR, ProcQueueSystem
from .simple_api import REGISTRY


@dataclass(slots=True)
class ProcManagerConfig:
    """Times are seconds. How long jobs stay: see `core.retention.retention`."""

    registry_path: str = REGISTRY
    proc_dir: str = PROC_DIR
    shutdown_timeout: float = 30.0
    cleanup_interval: float = 60.0
    command_timeout: float = 30.0
    max_concurrent_jobs: int = 10
    max_queue_size: int | None = None
    per_job_type_limits: dict[str, int] | None = None
    completed_job_retention_seconds: float | None = None
    terminal_job_retention_seconds: float | None = None
    failed_terminal_retention_seconds: float | None = None
    stopped_terminal_retention_seconds: float | None = None
    deleted_terminal_retention_seconds: float | None = None
    max_retained_terminal_jobs: int | None = 1000
    pending_job_retention_seconds: float | None = None


class ProcManager(ProcQueueSystem):
    """As ProcQueueSystem."""

    def __init__(self, config: ProcManagerConfig | None = None) -> None:
        self.config = config or ProcManagerConfig()
        super().__init__(
            self.config.registry_path,
            self.config.proc_dir,
            self.config.shutdown_timeout,
            command_timeout=self.config.command_timeout,
            cleanup_interval=self.config.cleanup_interval,
            max_concurrent_jobs=self.config.max_concurrent_jobs,
            **retention_of(self.config),
        )

    def start(self, registry_path: str | None = None, proc_dir: str | None = None) -> None:
        """As `QueueSystem.start`; what is given counts instead of the configuration."""
        if registry_path is not None:
            self._settings["registry_path"] = registry_path
        self._proc_dir = proc_dir or self._proc_dir
        super().start()
