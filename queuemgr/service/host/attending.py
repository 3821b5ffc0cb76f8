"""What operations ask of the running service beside its store: it makes jobs, stops and looks at those that run here.

It reads and writes nothing in the store.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import structs

from queuemgr.errors import JobAlreadyExistsError, ValidationError
from queuemgr.executor import Why
from queuemgr.service.flatrecord import DELETED, QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuemgr.app import App
    from queuemgr.executor import Call
    from queuemgr.job import Job
    from queuemgr.service.told import InspectedJob, Reloaded, ServiceFacts
    from queuemgr.task import Task
    from queuemgr.worker import Worker

    from .config import HostConfig
    from .processes import Processes

LONGEST_ID = 500


class Attending:
    """The Presence of a service that runs in this process."""

    def __init__(
        self, config: HostConfig, app: App, worker: Worker, processes: Processes, stop: Callable[[], None]
    ) -> None:
        self.config = config
        self._app = app
        self._worker = worker
        self._processes = processes
        self._stop = stop
        self._adding: set[str] = set()
        self._checked: dict[str, str] = {}
        self._tasks: dict[tuple[str, bool], Task[..., Any, Any]] = {}
        self._began = time.time()

    @property
    def pid(self) -> int:
        return os.getpid()

    @contextmanager
    def new_job(self, job_id: str, job_class: str, params: dict[str, Any], options: dict[str, Any]) -> Iterator[Job]:
        job = self._made(_checked_id(job_id), job_class, params, options)
        if job_id in self._adding:
            raise JobAlreadyExistsError(job_id)
        self._adding.add(job_id)
        try:
            yield job
        finally:
            self._adding.discard(job_id)

    def _made(self, job_id: str, job_class: str, params: dict[str, Any], options: dict[str, Any]) -> Job:
        path = self._checked.get(job_class)
        if path is None:
            path = self._checked[job_class] = self._app.tasks.check(job_class)  # type: ignore[attr-defined]
        if path == DELETED:
            raise ValidationError("job_class", path, f"{path!r} is kept for jobs that were deleted")
        return structs.replace(self._task(path, options).call(job_id, params).job, id=job_id, queue=QUEUE)

    def _task(self, path: str, options: dict[str, Any]) -> Task[..., Any, Any]:
        plain = options.keys() == {"held"}
        if plain and (known := self._tasks.get((path, options["held"]))) is not None:
            return known
        usual: dict[str, Any] = {
            "keep": self.config.lifetime,
            "at_most_once": self.config.on_interrupt == "report",
        }
        if self.config.memory_limit is not None:
            usual["memory_limit"] = self.config.memory_limit
        task = self._app.tasks.get(path)
        assert task is not None  # a job class is looked for when it runs
        made = task.using(**usual | options)
        if plain:
            self._tasks[path, options["held"]] = made
        return made

    def job_classes(self) -> list[str]:
        known: list[str] = self._app.tasks.known()  # type: ignore[attr-defined]
        return known

    def is_suspended(self, job_id: str) -> bool:
        call = self._call(job_id)
        return call is not None and self._processes.is_suspended(call)

    def stop_job(self, job_id: str, notice: float | None, grace: float | None) -> float:
        notice = self.config.stop_notice if notice is None else notice
        grace = self.config.stop_grace if grace is None else grace
        if (call := self._call(job_id)) is not None:
            self._processes.stop(call, Why.CANCEL, notice, grace)
        return notice + grace

    def suspend_job(self, job_id: str) -> bool:
        return (call := self._call(job_id)) is not None and self._processes.suspend(call)

    def resume_job(self, job_id: str) -> bool:
        return (call := self._call(job_id)) is not None and self._processes.resume(call)

    async def inspect_job(self, job_id: str) -> InspectedJob | None:
        call = self._call(job_id)
        return None if call is None else await self._processes.inspect(call)

    def forgotten(self, job_id: str) -> None:
        self._adding.discard(job_id)

    def facts(self) -> ServiceFacts:
        config = self.config
        return {
            "pid": os.getpid(),
            "started_at": self._began,
            "uptime": time.time() - self._began,
            "store": config.url,
            "registry_path": str(config.registry),
            "proc_dir": config.proc_dir,
            "socket": str(config.socket),
            "max_concurrent_jobs": config.max_concurrent_jobs,
        }

    def shutdown(self) -> None:
        self._stop()

    async def reload(self) -> Reloaded:
        self._checked.clear()
        self._tasks.clear()
        await self._processes.reload()
        return {"reloaded": True}

    def _call(self, job_id: str) -> Call | None:
        run = self._worker.run_of(job_id)
        return None if run is None else run.call


def _checked_id(job_id: str) -> str:
    if not job_id or len(job_id) > LONGEST_ID or not job_id.isprintable():
        reason = f"an id is a text of 1 to {LONGEST_ID} printable characters, not {job_id!r:.60}"
        raise ValidationError("job_id", job_id, reason)
    return job_id
