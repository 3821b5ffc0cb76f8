"""AsyncSimpleQueue: runs the `execute` of job classes in threads of this process, as long as the program lives."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from .errors import JobAlreadyExistsError, JobNotFound, ProcessControlError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .jobs.base import QueueJobBase


class AsyncSimpleQueue:
    """At most `max_concurrent_jobs` run at once; one more is refused. `registry_path` is not used."""

    def __init__(self, registry_path: str | None = None, max_concurrent_jobs: int = 5) -> None:
        self.registry_path = registry_path
        self._most = max_concurrent_jobs
        self._jobs: dict[str, QueueJobBase] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._started = False

    async def start(self) -> None:
        """Nothing has to be started; it is there so that all queues are used alike."""
        self._started = True

    async def stop(self) -> None:
        """Wait for what runs: a thread cannot be stopped."""
        self._started = False
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def is_running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._started

    async def add_job(self, job_class: type[QueueJobBase], job_id: str, params: dict[str, Any] | None = None) -> None:
        """Raises JobAlreadyExistsError."""
        if job_id in self._jobs or job_id in self._running:
            raise JobAlreadyExistsError(job_id)
        self._jobs[job_id] = job_class(job_id, params or {})
        self._facts[job_id] = {"job_id": job_id, "status": "pending", "created_at": time.time(), "is_running": False}

    async def start_job(self, job_id: str) -> None:
        """Raises JobNotFound, ProcessControlError where as many jobs run as may."""
        job = self._job(job_id)
        if job_id in self._running:
            return
        if len(self._running) >= self._most:
            raise ProcessControlError(job_id, "start", RuntimeError("Maximum concurrent jobs reached"))
        self._facts[job_id] |= {"status": "running", "is_running": True, "started_at": time.time()}
        task = self._running[job_id] = asyncio.create_task(asyncio.to_thread(job.execute), name=f"job {job_id}")
        task.add_done_callback(lambda done: self._ended(job_id, done))

    async def stop_job(self, job_id: str) -> None:
        """Count it as stopped. Its thread goes on to its end, and keeps its place among those that run until then.

        Raises JobNotFound, ProcessControlError where it does not run.
        """
        self._job(job_id)
        if job_id not in self._running:
            raise ProcessControlError(job_id, "stop", RuntimeError("it does not run"))
        self._facts[job_id] |= {"status": "stopped"}

    async def delete_job(self, job_id: str, force: bool = False) -> None:  # noqa: ARG002 - a thread knows no force
        """Forget it, so that its id is free once its thread has ended. Raises JobNotFound."""
        self._job(job_id)
        del self._jobs[job_id], self._facts[job_id]

    async def get_job_status(self, job_id: str) -> dict[str, Any]:
        """`status` is "pending", "running", "stopped", "completed" or "error". Raises JobNotFound."""
        self._job(job_id)
        return dict(self._facts[job_id])

    async def list_jobs(self) -> list[dict[str, Any]]:
        return [dict(facts) for facts in self._facts.values()]

    def _job(self, job_id: str) -> QueueJobBase:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise JobNotFound(job_id) from None

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        del self._running[job_id]
        error = None if task.cancelled() else task.exception()
        if (facts := self._facts.get(job_id)) is None:
            return
        if facts["status"] != "stopped":
            facts["status"] = "completed" if error is None else "error"
        facts["is_running"] = False
        if error is not None:
            facts["error"] = str(error)


@asynccontextmanager
async def async_simple_queue_context(
    registry_path: str | None = None, max_concurrent_jobs: int = 5
) -> AsyncIterator[AsyncSimpleQueue]:
    """A queue, whose jobs are waited for at the end of the block."""
    queue = AsyncSimpleQueue(registry_path, max_concurrent_jobs)
    await queue.start()
    try:
        yield queue
    finally:
        await queue.stop()
