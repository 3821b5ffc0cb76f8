"""A queue of job classes with a service of its own: `with queue_system() as queue: queue.add_job(...)`.

The service is another process; it ends when the program does, however that ends. No job runs in this process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .errors import ConfigError, ServiceNotRunning
from .jobs.classes import loading
from .jobs.naming import name_for_others, places_of_program
from .service.host.calling import COMMAND_TIMEOUT, Caller
from .service.host.config import HostConfig

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from .jobs.base import QueueJobBase

S = TypeVar("S", bound="QueueSystem")

PAGE = 1000
REGISTRY = "queuemgr_registry.jsonl"
NOT_RUNNING = "the queue system is not running: call start(), or use it in a with block"
SPARE = 10.0
"""Seconds beyond its own time-out that a service may take to stop."""


class QueueSystem:
    """Parameters: `registry_path`, the live list of jobs, beside which they are kept; `shutdown_timeout`, the seconds
    that running jobs have when the service stops; `proc_dir`, the folder of its socket, by default a new one;
    `command_timeout`, the seconds that an answer is waited for; `startup_timeout`, those that the service may take to
    start, None for as long as it takes; further settings of the service by their names. Used as a context manager it
    starts and stops the service.

    Every verb raises ServiceNotRunning before `start` and after `stop`, and JobNotFound for an id that there is not.
    """

    def __init__(
        self,
        registry_path: str = REGISTRY,
        shutdown_timeout: float = 30.0,
        *,
        proc_dir: str | None = None,
        command_timeout: float = COMMAND_TIMEOUT,
        startup_timeout: float | None = None,
        **settings: Any,
    ) -> None:
        self.command_timeout = command_timeout
        self._startup_timeout = startup_timeout
        self._settings = {"registry_path": registry_path, "shutdown_timeout": shutdown_timeout, **settings}
        self._proc_dir = proc_dir
        self._own_folder: str | None = None
        self._config: HostConfig | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._caller: Caller | None = None
        self._pid = 0

    def start(self) -> None:
        """Start the service and return once it answers. A second call changes nothing.

        Raises AlreadyRunning where another service has the same registry or folder, ConfigError, StoreError,
        OperationTimeout.
        """
        if self.is_running():
            return
        if (name := loading.get()) is not None:
            # Without this each job would start a service whose job starts one, and so on.
            raise ConfigError(
                f"the file of {name} starts a queue system when it is imported, as every job of it does: "
                "put that below `if __name__ == '__main__':`"
            )
        from .service.host.running import start

        if self._process is not None:
            self.stop()  # it died: what is left of it goes

        self._pid = os.getpid()
        folder = self._proc_dir
        if folder is None:
            folder = self._own_folder = tempfile.mkdtemp(prefix="queuemgr-")
        try:
            config = HostConfig(**self._settings, proc_dir=folder, places=places_of_program())
            self._process = start(config, timeout=self._startup_timeout)
        except BaseException:
            self._remove_own_folder()
            raise
        self._config = config
        self._caller = Caller(config.socket, self.command_timeout)
        atexit.register(self.stop)

    def stop(self, timeout: float | None = None) -> None:
        """Stop the service: running jobs get `shutdown_timeout` seconds, waiting ones stay for the next start.

        With `timeout` it is ended by force after so many seconds; its jobs die with it. In a process that was forked
        since it leaves the service alone, which is that of the other one.
        """
        atexit.unregister(self.stop)
        self._config = None
        process, self._process = self._process, None
        caller, self._caller = self._caller, None
        if caller is not None:
            caller.close()
        if self._pid != os.getpid():
            self._own_folder = None
            return
        if process is not None:
            end_service(process, self._settings["shutdown_timeout"] + SPARE if timeout is None else timeout)
        self._remove_own_folder()

    def _remove_own_folder(self) -> None:
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
            self._own_folder = None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def socket(self) -> Path:
        """Where the running service is asked. Raises ServiceNotRunning."""
        if self._config is None:
            raise ServiceNotRunning(NOT_RUNNING)
        return self._config.socket

    def add_job(self, job_class: type[QueueJobBase] | str, job_id: str, params: dict[str, Any] | None = None) -> None:
        """Keep a job until it is started. `params` are what JSON can say.

        Raises JobAlreadyExistsError, ValidationError, EncodingError, UnknownTask.
        """
        name = name_for_others(job_class)
        self._call("job.add", job_class=name, job_id=job_id, params=params or {})

    def start_job(self, job_id: str) -> None:
        """Let it run as soon as there is room. Raises InvalidJobStateError where it has begun already."""
        self._call("job.start", job_id=job_id)

    def stop_job(self, job_id: str, timeout: float | None = None) -> None:
        """Stop it, gently for `timeout` seconds, and return when it has stopped. Raises InvalidJobStateError."""
        self._call("job.stop", job_id=job_id, notice=timeout, waits=True)

    def delete_job(self, job_id: str, force: bool = False) -> None:
        """Stop it and forget what it did; its id stays taken until `purge_job`. `force` kills a running one at once."""
        self._call("job.delete", job_id=job_id, force=force, waits=True)

    def purge_job(self, job_id: str) -> None:
        """Forget it altogether. Raises InvalidJobStateError while it runs."""
        self._call("job.purge", job_id=job_id)

    def suspend_job(self, job_id: str) -> None:
        """Halt its processes until `resume_job`. Raises InvalidJobStateError where it does not run."""
        self._call("job.suspend", job_id=job_id)

    def resume_job(self, job_id: str) -> None:
        self._call("job.resume", job_id=job_id)

    def restart_job(self, job_id: str) -> None:
        """Run it again from the start; a running one is stopped first."""
        self._call("job.restart", job_id=job_id, waits=True)

    def get_job_status(self, job_id: str) -> dict[str, Any]:
        """The flat record: `status`, `progress`, `description`, `result`, times and more."""
        return dict(self._call("job.status", job_id=job_id))

    def wait_for_job(self, job_id: str, timeout: float | None = None) -> dict[str, Any]:
        """`get_job_status` once it has ended, or as it is after `timeout` seconds."""
        return dict(self._call("job.wait", job_id=job_id, timeout=timeout, waits=True))

    def list_jobs(self, status_filter: str | None = None) -> list[dict[str, Any]]:
        """All jobs, newest first; results only where they are small."""
        jobs: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = self._call("job.list", status_filter=status_filter, limit=PAGE, after=after)
            jobs += page["jobs"]
            after = page["after"]
            if after is None:
                return jobs

    def get_job_result_page(self, job_id: str, offset: int = 0, limit: int = 100, path: str | None = None) -> list[Any]:
        """Items of a result that is a list, or has one at the key `path`, without reading the rest of it.

        A negative `offset` counts from the end. Raises ResultError where there is no such list.
        """
        return list(self._call("job.page", job_id=job_id, offset=offset, limit=limit, at=path)["items"])

    def get_job_logs(self, job_id: str) -> dict[str, list[str]]:
        """{"stdout": lines, "stderr": lines}, and "log" for what it logged."""
        return dict(self._call("job.logs", job_id=job_id))

    def inspect_job(self, job_id: str) -> dict[str, Any]:
        """Its processes with memory, CPU and open files, and the stack of what it does at this moment."""
        return dict(self._call("job.inspect", job_id=job_id))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _call(self, operation: str, *, waits: bool = False, **arguments: Any) -> Any:
        if self._caller is None:
            raise ServiceNotRunning(NOT_RUNNING)
        how: dict[str, float | None] = {"timeout": None} if waits else {}
        return self._caller.call(operation, arguments, **how)


def end_service(process: subprocess.Popen[bytes], patience: float) -> None:
    """Let a service that was started as a child stop, in the end by force."""
    import subprocess

    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdin is not None:
            process.stdin.close()


class OneSystem(Generic[S]):
    """The one system of a program, made and started when it is first used."""

    def __init__(self, kind: Callable[..., S]) -> None:
        self._kind = kind
        self._system: S | None = None

    def get(self, *args: Any, **settings: Any) -> S:
        """It, running. The parameters are those of its class, and count where it is made."""
        if self._system is None:
            self._system = self._kind(*args, **settings)
        self._system.start()
        return self._system

    def stop(self) -> None:
        if self._system is not None:
            self._system.stop()
            self._system = None

    def add_job(self, job_class: type[QueueJobBase] | str, job_id: str, params: dict[str, Any] | None = None) -> None:
        self.get().add_job(job_class, job_id, params)

    def start_job(self, job_id: str) -> None:
        self.get().start_job(job_id)

    def stop_job(self, job_id: str) -> None:
        self.get().stop_job(job_id)

    def delete_job(self, job_id: str, force: bool = False) -> None:
        self.get().delete_job(job_id, force)

    def purge_job(self, job_id: str) -> None:
        self.get().purge_job(job_id)

    def get_job_status(self, job_id: str) -> dict[str, Any]:
        return self.get().get_job_status(job_id)

    def list_jobs(self, status_filter: str | None = None) -> list[dict[str, Any]]:
        return self.get().list_jobs(status_filter)


@contextmanager
def queue_system(
    registry_path: str = REGISTRY, shutdown_timeout: float = 30.0, **settings: Any
) -> Iterator[QueueSystem]:
    """Start the service, stop it at the end of the block. Parameters as for QueueSystem."""
    with QueueSystem(registry_path, shutdown_timeout, **settings) as system:
        yield system


_one = OneSystem(QueueSystem)
get_queue_system = start_queue_system = _one.get
stop_queue_system = _one.stop
add_job, start_job, stop_job = _one.add_job, _one.start_job, _one.stop_job
delete_job, purge_job = _one.delete_job, _one.purge_job
get_job_status, list_jobs = _one.get_job_status, _one.list_jobs
