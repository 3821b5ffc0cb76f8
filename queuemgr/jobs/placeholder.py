"""RegistryPlaceholderJob, which older programs import. The service makes none: it keeps class and parameters."""

from __future__ import annotations

from queuemgr.errors import JobExecutionError

from .base import QueueJobBase


class RegistryPlaceholderJob(QueueJobBase):
    """Stands for a job of which only a line in a registry is known. Running it raises JobExecutionError."""

    def execute(self) -> None:
        raise JobExecutionError(self.job_id, "only its line in the registry is known, not its class")
