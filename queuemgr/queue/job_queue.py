"""JobQueue: a list of jobs inside a program. The jobs run in the program's own service, which starts when needed."""

from __future__ import annotations

import atexit
import os
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from queuemgr.core.retention import retention
from queuemgr.errors import InvalidJobStateError, JobNotFound
from queuemgr.jobs.base import QueueJobBase
from queuemgr.jobs.naming import is_job_class
from queuemgr.jobs.status import JobStatus
from queuemgr.service.registry.record import JobRecord
from queuemgr.simple_api import QueueSystem

if TYPE_CHECKING:
    from queuemgr.service.registry.registries import Registry


class JobQueue:
    """Parameters: `registry`, whose file the service keeps (where it has none, a new file in a temporary folder, which
    goes with `shutdown`, or with the program); the others are those of `core.retention.retention`, and further settings
    of the service.
    """

    def __init__(  # noqa: PLR0917 - in the order in which they have always been given
        self,
        registry: Registry | None = None,
        max_queue_size: int | None = None,
        per_job_type_limits: dict[str, int] | None = None,
        completed_job_retention_seconds: float | None = None,
        terminal_job_retention_seconds: float | None = None,
        failed_terminal_retention_seconds: float | None = None,
        stopped_terminal_retention_seconds: float | None = None,
        deleted_terminal_retention_seconds: float | None = None,
        max_retained_terminal_jobs: int | None = 1000,
        pending_job_retention_seconds: float | None = None,
        **settings: Any,
    ) -> None:
        settings |= retention(
            max_queue_size,
            per_job_type_limits,
            completed_job_retention_seconds,
            terminal_job_retention_seconds,
            failed_terminal_retention_seconds,
            stopped_terminal_retention_seconds,
            deleted_terminal_retention_seconds,
            max_retained_terminal_jobs,
            pending_job_retention_seconds,
        )
        path = getattr(registry, "path", None)
        self._folder = None if path else mkdtemp(prefix="queuemgr-")
        if self._folder is not None:
            atexit.register(_remove, self._folder, os.getpid())
        self._system = QueueSystem(str(path or Path(self._folder or "") / "registry.jsonl"), **settings)

    def add_job(
        self,
        job: QueueJobBase | type[QueueJobBase],
        job_id: str | None = None,
        params: dict[str, Any] | None = None,
    ) -> str:
        """A class with an id, or a job that was made already; the id.

        Raises TypeError for anything else, ValueError without an id, JobAlreadyExistsError.
        """
        if isinstance(job, QueueJobBase):
            job_class, job_id, params = type(job), job.job_id, job.params
        elif is_job_class(job):
            job_class = job
        else:
            raise TypeError("job must be a QueueJobBase subclass")
        if not job_id:
            raise ValueError("a job that is given by its class needs a job_id")
        self._running.add_job(job_class, job_id, params)
        return job_id

    def start_job(self, job_id: str) -> None:
        self._running.start_job(job_id)

    def stop_job(self, job_id: str, timeout: float | None = None) -> None:
        """Stop it, gently for `timeout` seconds."""
        self._running.stop_job(job_id, timeout)

    def suspend_job(self, job_id: str) -> None:
        self._running.suspend_job(job_id)

    def resume_job(self, job_id: str) -> None:
        self._running.resume_job(job_id)

    def delete_job(self, job_id: str, force: bool = False) -> None:
        self._running.delete_job(job_id, force)

    def purge_job(self, job_id: str) -> None:
        self._running.purge_job(job_id)

    def get_job_status(self, job_id: str) -> JobRecord:
        """Raises JobNotFound."""
        return _record(self._running.get_job_status(job_id))

    def get_job_by_id(self, job_id: str) -> JobRecord | None:
        """None where there is no such job."""
        try:
            return self.get_job_status(job_id)
        except JobNotFound:
            return None

    def get_jobs(self) -> dict[str, JobRecord]:
        """All of them by their ids, newest first; results only where they are small."""
        return _by_id(self._running.list_jobs())

    def list_jobs(self, status_filter: str | None = None) -> list[dict[str, Any]]:
        return self._running.list_jobs(status_filter)

    def list_job_statuses(self) -> dict[str, JobStatus]:
        return {facts["job_id"]: JobStatus[facts["status"]] for facts in self._running.list_jobs()}

    def get_job_logs(self, job_id: str) -> dict[str, list[str]]:
        return self._running.get_job_logs(job_id)

    def get_job_type_name(self, job_id: str) -> str | None:
        """None where there is no such job."""
        try:
            return str(self._running.get_job_status(job_id)["job_type"])
        except JobNotFound:
            return None

    def get_job_count(self) -> int:
        return len(self._running.list_jobs())

    def get_running_jobs(self) -> dict[str, JobRecord]:
        return _by_id(self._running.list_jobs("RUNNING"))

    def cleanup_completed_jobs(self) -> int:
        """Forget all jobs that have ended; how many."""
        gone = 0
        for facts in self._running.list_jobs():
            if JobStatus[facts["status"]].terminal:
                try:
                    self._running.purge_job(facts["job_id"])
                except InvalidJobStateError:
                    continue  # somebody has started it again
                gone += 1
        return gone

    def shutdown(self, timeout: float = 30.0) -> None:
        """Stop the service; running jobs have `timeout` seconds."""
        self._system.stop(timeout)
        if self._folder is not None:
            _remove(self._folder, os.getpid())

    @property
    def _running(self) -> QueueSystem:
        self._system.start()
        return self._system


def _remove(folder: str, owner: int) -> None:
    """A forked copy of the program leaves it alone."""
    if owner == os.getpid():
        rmtree(folder, ignore_errors=True)


def _by_id(jobs: list[dict[str, Any]]) -> dict[str, JobRecord]:
    return {facts["job_id"]: _record(facts) for facts in jobs}


def _record(facts: dict[str, Any]) -> JobRecord:
    moments = {
        name: datetime.fromisoformat(facts[name])
        for name in ("created_at", "updated_at", "started_at", "completed_at")
        if name in facts
    }
    # In the hour that the clocks repeat, what comes later may seem to be earlier.
    moments["updated_at"] = max(moments["created_at"], moments["updated_at"])
    return JobRecord(
        job_id=facts["job_id"],
        status=JobStatus[facts["status"]],
        progress=facts["progress"],
        description=facts["description"],
        result=facts["result"],
        **moments,
    )
