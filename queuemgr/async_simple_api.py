"""`async with async_queue_system_context() as queue`: as `simple_api`, for asynchronous programs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from .core.retention import require_positive, retention
from .errors import ServiceNotRunning
from .jobs.naming import name_for_others
from .service.host.calling import AsyncCaller
from .simple_api import PAGE, REGISTRY, QueueSystem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from .jobs.base import QueueJobBase


class AsyncQueueSystem:
    """Parameters: those of QueueSystem, and of `core.retention.retention`, which is looked after every
    `cleanup_interval` seconds. A verb waits `command_timeout` seconds for its answer. Raises ValueError.
    """

    def __init__(  # noqa: PLR0917 - in the order in which they have always been given
        self,
        registry_path: str = REGISTRY,
        shutdown_timeout: float = 30.0,
        max_queue_size: int | None = None,
        per_job_type_limits: dict[str, int] | None = None,
        completed_job_retention_seconds: float | None = None,
        terminal_job_retention_seconds: float | None = None,
        failed_terminal_retention_seconds: float | None = None,
        stopped_terminal_retention_seconds: float | None = None,
        deleted_terminal_retention_seconds: float | None = None,
        max_retained_terminal_jobs: int | None = 1000,
        command_timeout: float = 30.0,
        pending_job_retention_seconds: float | None = None,
        cleanup_interval: float = 60.0,
        **settings: Any,
    ) -> None:
        require_positive("cleanup_interval", cleanup_interval)
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
        settings |= {"cleanup_interval": cleanup_interval, "command_timeout": command_timeout}
        self._set_up({"registry_path": registry_path, "shutdown_timeout": shutdown_timeout, **settings})

    def _set_up(self, settings: dict[str, Any]) -> None:
        self._system = QueueSystem(**settings)
        self._caller: AsyncCaller | None = None

    async def start(self) -> None:
        """As `QueueSystem.start`."""
        await asyncio.to_thread(self._system.start)
        self._caller = AsyncCaller(self._system.socket, self._system.command_timeout)

    async def stop(self, timeout: float | None = None) -> None:
        """As `QueueSystem.stop`."""
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.close()
        await asyncio.to_thread(self._system.stop, timeout)

    def is_running(self) -> bool:
        return self._system.is_running()

    async def add_job(
        self,
        job_class: type[QueueJobBase] | str,
        job_id: str,
        params: dict[str, Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        """As `QueueSystem.add_job`; the answer is waited for `timeout` seconds, as for every verb that has one."""
        name = name_for_others(job_class)
        await self._call("job.add", timeout, job_class=name, job_id=job_id, params=params or {})

    async def start_job(self, job_id: str, timeout: float | None = None) -> None:
        await self._call("job.start", timeout, job_id=job_id)

    start_job_background = start_job

    async def stop_job(self, job_id: str, timeout: float | None = None) -> None:
        await self._call("job.stop", timeout, waits=timeout is None, job_id=job_id)

    async def delete_job(self, job_id: str, force: bool = False, timeout: float | None = None) -> None:
        await self._call("job.delete", timeout, waits=timeout is None, job_id=job_id, force=force)

    async def purge_job(self, job_id: str, timeout: float | None = None) -> None:
        await self._call("job.purge", timeout, job_id=job_id)

    async def suspend_job(self, job_id: str) -> None:
        await self._call("job.suspend", job_id=job_id)

    async def resume_job(self, job_id: str) -> None:
        await self._call("job.resume", job_id=job_id)

    async def restart_job(self, job_id: str) -> None:
        await self._call("job.restart", waits=True, job_id=job_id)

    async def get_job_status(self, job_id: str, timeout: float | None = None) -> dict[str, Any]:
        return dict(await self._call("job.status", timeout, job_id=job_id))

    async def wait_for_job(self, job_id: str, timeout: float | None = None) -> dict[str, Any]:
        """`get_job_status` once it has ended, or as it is after `timeout` seconds."""
        return dict(await self._call("job.wait", waits=True, job_id=job_id, timeout=timeout))

    async def list_jobs(self, status_filter: str | None = None, timeout: float | None = None) -> list[dict[str, Any]]:
        """As `QueueSystem.list_jobs`; each page of it is waited for `timeout` seconds."""
        jobs: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = await self._call("job.list", timeout, status_filter=status_filter, limit=PAGE, after=after)
            jobs += page["jobs"]
            after = page["after"]
            if after is None:
                return jobs

    async def get_job_result_page(
        self, job_id: str, offset: int = 0, limit: int = 100, path: str | None = None
    ) -> list[Any]:
        """As `QueueSystem.get_job_result_page`."""
        return list((await self._call("job.page", job_id=job_id, offset=offset, limit=limit, at=path))["items"])

    async def get_job_logs(self, job_id: str, timeout: float | None = None) -> dict[str, list[str]]:
        return dict(await self._call("job.logs", timeout, job_id=job_id))

    async def inspect_job(self, job_id: str) -> dict[str, Any]:
        return dict(await self._call("job.inspect", job_id=job_id))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _call(
        self, operation: str, patience: float | None = None, *, waits: bool = False, **arguments: Any
    ) -> Any:
        if self._caller is None:
            raise ServiceNotRunning("the queue system is not running: await start(), or use it in an async with block")
        how = {} if patience is None and not waits else {"timeout": patience}
        return await self._caller.call(operation, arguments, **how)


@asynccontextmanager
async def async_queue_system_context(
    registry_path: str = REGISTRY,
    shutdown_timeout: float = 30.0,
    max_queue_size: int | None = None,
    per_job_type_limits: dict[str, int] | None = None,
    **settings: Any,
) -> AsyncIterator[AsyncQueueSystem]:
    """Start the service, stop it at the end of the block. Parameters as for AsyncQueueSystem."""
    make = partial(AsyncQueueSystem, registry_path, shutdown_timeout, max_queue_size, per_job_type_limits)
    async with make(**settings) as system:
        yield system


class _OneSystem:
    system: AsyncQueueSystem | None = None


async def get_global_async_queue(registry_path: str = REGISTRY, shutdown_timeout: float = 30.0) -> AsyncQueueSystem:
    """The one system of this program, running; the parameters count where it is made."""
    if _OneSystem.system is None:
        _OneSystem.system = AsyncQueueSystem(registry_path, shutdown_timeout)
    if not _OneSystem.system.is_running():
        await _OneSystem.system.start()
    return _OneSystem.system


async def shutdown_global_async_queue() -> None:
    if _OneSystem.system is not None:
        await _OneSystem.system.stop()
        _OneSystem.system = None
