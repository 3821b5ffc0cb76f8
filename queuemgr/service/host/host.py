"""The service itself: joins a store, a worker whose jobs run in processes, and the control socket. It forks no daemon.

What operations ask of it is next door (attending.py).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, cast

from msgspec import structs

from queuemgr.client import AsyncClient
from queuemgr.errors import QueuemgrError, StoreError
from queuemgr.executor import Why
from queuemgr.executors.processes import ProcessExecutor
from queuemgr.jobs.app import job_app
from queuemgr.jobs.forked import PATH, Definition
from queuemgr.results.files import FilePlace
from queuemgr.service.access.audit import recorded
from queuemgr.service.access.terminal import Person
from queuemgr.service.flatrecord import QUEUE
from queuemgr.service.observe.sampler import observing
from queuemgr.service.operations import table
from queuemgr.service.registry.file import RegistryFile
from queuemgr.settings import WorkerSettings
from queuemgr.worker import Worker

from .alignment import Alignment
from .attending import Attending
from .control import Control
from .guard import Lock, only_ours, private_room
from .journal import Journal
from .knowing import Knowing
from .memory import bound_memory
from .observed import Observed
from .processes import Processes
from .retention import Retention

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.store import Store

    from .config import HostConfig

log = logging.getLogger("queuemgr.service")

RESULTS = ("max_result", "keep_results", "results_quota")
FIXED = ("registry_path", "proc_dir", "store", "max_concurrent_jobs", *RESULTS)
"""The settings that hold for as long as the service runs."""

LAST = 1.0
"""Seconds beyond its time-out in which a shutdown has to come to its end."""


class Host:
    """`run` serves until `stop` is called. `on_ready` is called once requests are answered."""

    def __init__(self, config: HostConfig, on_ready: Callable[[], None] = lambda: None) -> None:
        self.config = config
        self._on_ready = on_ready
        self._stopping = asyncio.Event()
        self._definition = _definition_of(config)

    async def run(self) -> bool:
        """Serve until stopped. False where a job could not be stopped in time.

        Raises AlreadyRunning, ConfigError, StoreError, OSError.
        """
        async with AsyncExitStack() as stack:
            self._lock(stack)
            self._definition.publish()
            self._app = job_app(self._definition)
            await self._open_store(stack)
            self._processes = Processes(self._executor)
            self._worker = self._make_worker()
            self._attending = Attending(self.config, self._app, self._worker, self._processes, self.stop)
            self._knowing = Knowing(self._observed, self._client, self._attending)
            self._retention = Retention(self._client, lambda: self.config)
            control = Control(self.config.socket, self._carry_out)
            await control.open()
            stack.push_async_callback(control.close)
            measuring = observing(self._client, self.config.alerts, self.config.notify)
            self._sampler = await stack.enter_async_context(measuring)
            return await self._serve()

    async def _open_store(self, stack: AsyncExitStack) -> None:
        plain, app = self._app.aio, self._app
        if self.config.url.startswith("sqlite"):
            bound_memory()
        with only_ours():
            await plain.store.open()
        stack.push_async_callback(plain.store.close)
        self._journal = Journal(RegistryFile(self.config.registry, held=True), plain, self.config.inline_result)
        self._alignment = Alignment(self._journal, self.config.cleanup_interval)
        self._alignment.begin()
        stack.push_async_callback(self._close_journal)
        self._observed = Observed(plain.store, self._journal)
        self._store = cast("Store", self._observed)
        self._client = AsyncClient(lambda: self._store, app.codec, results=app.results)

    async def _close_journal(self) -> None:
        try:
            await self._alignment.end()
        except QueuemgrError as error:
            log.warning("the registry is put right at the next start: %s", error)
        self._journal.file.close()
        self._journal.readers.close()

    def stop(self) -> None:
        """Take no more jobs, stop the running ones, and end. May be called again."""
        self._stopping.set()

    async def reconfigure(self, config: HostConfig) -> list[str]:
        """Be set up anew, and let jobs that begin from now on run with the code as it is now.

        Returns the names of those settings that stay as they are until a restart.
        """
        later = [name for name in FIXED if getattr(config, name) != getattr(self.config, name)]
        self.config = structs.replace(config, **{name: getattr(self.config, name) for name in FIXED})
        self._definition = _definition_of(self.config)
        self._definition.publish()
        self._app.tasks.places = config.places  # type: ignore[attr-defined]
        self._attending.config = self.config
        self._alignment.interval = self.config.cleanup_interval
        self._journal.inline = self.config.inline_result
        self._sampler.configure(self.config.alerts, self.config.notify)
        await self._attending.reload()
        return later

    async def _serve(self) -> bool:
        working = asyncio.create_task(self._worker.run(), name="queuemgr worker")
        cleaning = asyncio.create_task(self._clean_always(), name="queuemgr clean")
        aligning = asyncio.create_task(self._alignment.run(), name="queuemgr align")
        asked = asyncio.create_task(self._stopping.wait())
        try:
            await self._processes.open()
            self._on_ready()
            log.info("the service is ready at %s", self.config.socket)
            await asyncio.wait((working, asked), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                self._wind_up()
            return await working
        finally:
            for task in (tasks := (asked, cleaning, aligning, working)):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _wind_up(self) -> None:
        config = self.config
        log.info("the service stops: %d running jobs have %g s", len(self._worker.running), config.shutdown_timeout)
        grace = min(config.stop_grace, config.shutdown_timeout)
        why = Why.CANCEL if config.on_interrupt == "report" else Why.STOP
        for run in self._worker.running.values():
            if run.call is not None:
                self._processes.stop(run.call, why, config.shutdown_timeout - grace, grace)
        self._worker.stop(config.shutdown_timeout + LAST)

    async def _clean_always(self) -> None:
        while True:
            await asyncio.sleep(self.config.cleanup_interval)
            try:
                while await self._client.prune():
                    pass
                await self._retention.sweep()
            except StoreError as error:
                log.warning("the store could not be cleaned up: %s", error)
            except Exception:
                log.exception("the store could not be cleaned up; it is tried again")

    async def _carry_out(self, name: str, arguments: dict[str, Any], by: str | None) -> Any:
        operation = table.OPERATIONS.get(name)
        if by is None or operation is None or not operation.changes:
            return await self._answer(name, arguments)
        return await recorded(self._client, Person(by), name, arguments, lambda: self._answer(name, arguments))

    async def _answer(self, name: str, arguments: dict[str, Any]) -> Any:
        if (known := await self._knowing.answer(name, arguments)) is not None:
            return known
        if name != "job.add":
            return await table.call(name, arguments, self._client, self._attending)
        async with self._retention.room_for(arguments.get("job_id"), arguments.get("job_class")):
            return await table.call(name, arguments, self._client, self._attending)

    def _lock(self, stack: AsyncExitStack) -> None:
        config = self.config
        private_room(config.room)
        config.registry.parent.mkdir(parents=True, exist_ok=True)
        registry_lock = config.registry.with_name(f"{config.registry.name}.lock")
        for path, what in ((config.room / "lock", config.proc_dir), (registry_lock, str(config.registry))):
            lock = Lock(path, what)
            lock.take()
            stack.callback(lock.release)

    def _executor(self, ahead: tuple[str, ...], on_fit: Callable[[str], None]) -> ProcessExecutor:
        place = self._app.aio._place
        folder = place.name if isinstance(place, FilePlace) else None
        structs.replace(self._definition, ahead=ahead, results=folder).publish()
        config = self.config
        return ProcessExecutor(PATH, notice=config.stop_notice, grace=config.stop_grace, warm=True, on_fit=on_fit)

    def _make_worker(self) -> Worker:
        settings = WorkerSettings.of(
            queues={QUEUE: 1}, concurrency=self.config.max_concurrent_jobs, max_result=self._app.max_result
        )
        store, app = self._store, self._app
        return Worker(
            store, app.tasks, app.codec, {"process": lambda: self._processes}, settings, store.clock, keeper=app.keeper
        )


def _definition_of(config: HostConfig) -> Definition:
    return Definition(url=config.url, places=config.places, **{name: getattr(config, name) for name in RESULTS})
