"""The queue for asyncio: up to `max_concurrent_jobs` handlers run at once, and never more."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from queuemgr.fault import point

from .base import EVENT, BaseQueue, data_of, in_builtin_errors
from .connections import AsyncRedisConnectionFactory
from .emitter import AsyncIOEventEmitter
from .lanes import Tasks
from .metrics import Told
from .sync import SIGNALS, summary_of

if TYPE_CHECKING:
    from queuemgr.job import Lease

    from .emitter import Listener
    from .engine import Engine

log = logging.getLogger("lara_queue")


class AsyncQueue(BaseQueue):
    """Parameters: those of BaseQueue; `client` may be synchronous or not. `max_concurrent_jobs` may be changed."""

    def __init__(self, *args: Any, max_concurrent_jobs: int = 10, **options: Any) -> None:
        if max_concurrent_jobs < 1:
            raise ValueError(f"max_concurrent_jobs is at least 1, not {max_concurrent_jobs}")
        self.ee = AsyncIOEventEmitter()
        self.max_concurrent_jobs = max_concurrent_jobs
        self._threads: ThreadPoolExecutor | None = None
        self._size = 0
        super().__init__(*args, **options)

    @classmethod
    async def create_with_recommended_settings(
        cls,
        redis_url: str = "redis://localhost:6379/0",
        queue: str = "default",
        max_connections: int = 50,
        socket_timeout: float = 60,
        max_concurrent_jobs: int = 10,
        **options: Any,
    ) -> AsyncQueue:
        client = await AsyncRedisConnectionFactory.create_client(
            redis_url, max_connections=max_connections, socket_timeout=socket_timeout
        )
        return cls(client, queue, max_concurrent_jobs=max_concurrent_jobs, **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the queue's own connections; the next call opens them again. The client stays as it is."""
        await self._store.close()

    async def push(self, name: str, dictObj: Any) -> None:  # noqa: N803 - callers may name it
        """Send a job to Laravel's class `name`, with these properties; it is in Redis when the call returns.

        Raises ValueError, ConnectionError, RuntimeError.
        """
        await self.redis_push(name, dictObj)

    async def redis_push(
        self,
        name: str,
        dictObj: Any,  # noqa: N803
        timeout: int | None = None,
        delay: float | None = None,
    ) -> None:
        """The same, with the job's time-out in seconds, which Laravel's workers keep, and seconds to wait before."""
        with in_builtin_errors():
            await self._store.enqueue([self._job(name, dictObj, timeout, delay)])

    async def listen(self) -> None:
        """Run jobs until SIGTERM, SIGINT or `shutdown`; those that run may end.

        A second signal, or cancelling, breaks the handlers off; their jobs go back to the queue.
        Raises RuntimeError without a handler.
        """
        engine = self._new_engine()
        tasks = Tasks(engine, lambda: self.max_concurrent_jobs, self._perform)
        try:
            with ExitStack() as cleanup:
                cleanup.callback(self._end_threads)
                cleanup.enter_context(_signals_stop(engine, tasks))
                await engine.run(tasks)
        finally:
            self._engine = None

    def get_metrics(self) -> Told:
        """What this process has done; with and without `await`. None (awaited) or empty without `enable_metrics`."""
        return Told({} if self.metrics is None else self.metrics.get_metrics())

    async def reset_metrics(self) -> None:
        if self.metrics is not None:
            self.metrics.reset_metrics()

    async def get_recent_jobs(self, limit: int = 100) -> list[dict[str, Any]]:
        return [] if self.metrics is None else self.metrics.get_recent_jobs(limit)

    async def get_job_type_metrics(self, job_name: str) -> dict[str, Any] | None:
        return None if self.metrics is None else self.metrics.get_job_type_metrics(job_name)

    async def get_performance_summary(self) -> dict[str, Any] | None:
        return summary_of(self.metrics)

    async def get_dead_letter_jobs(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest first. Raises ConnectionError."""
        with in_builtin_errors():
            return await self._letters.first(limit)

    async def reprocess_dead_letter_job(self, failed_job_data: dict[str, Any]) -> bool:
        """Send it back to its queue, once; it begins anew. False where it is no dead letter any more."""
        with in_builtin_errors():
            return await self._letters.send_back(failed_job_data)

    async def clear_dead_letter_queue(self) -> int:
        """Delete the dead letters; how many there were."""
        with in_builtin_errors():
            return await self._letters.clear()

    async def _perform(self, lease: Lease) -> BaseException | None:
        start, error = time.perf_counter(), None
        self._processing_jobs += 1
        point("run.before")
        try:
            data = data_of(lease)
            for listener in self.ee.take(EVENT):
                await self._call(listener, data)
        except (Exception, SystemExit, KeyboardInterrupt) as raised:
            error = raised
        finally:
            self._processing_jobs -= 1
        point("run.after")
        self._ended(lease, start, error)
        return error

    async def _call(self, listener: Listener, data: dict[str, Any]) -> None:
        if inspect.iscoroutinefunction(listener) or inspect.iscoroutinefunction(getattr(listener, "__call__", None)):  # noqa: B004
            await listener(data)
            return
        # A plain function would hold up all the others.
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        answer = await loop.run_in_executor(self._pool(), context.run, listener, data)
        if inspect.isawaitable(answer):
            await answer

    def _pool(self) -> ThreadPoolExecutor:
        """A thread for each handler that may run now. Those that run in an older one end there."""
        if self._threads is None or self._size < self.max_concurrent_jobs:
            self._end_threads()
            self._size = self.max_concurrent_jobs
            self._threads = ThreadPoolExecutor(self._size, thread_name_prefix="lara_queue")
        return self._threads

    def _end_threads(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None


@contextmanager
def _signals_stop(engine: Engine, tasks: Tasks) -> Iterator[None]:
    """The first SIGTERM or SIGINT stops the engine, the second one breaks its handlers off; in the main thread only."""
    times = 0

    def stop(signum: int) -> None:
        nonlocal times
        times += 1
        log.info("%s: no new jobs; %d running may end", signal.Signals(signum).name, len(tasks.running))
        engine.stop()
        if times > 1:
            tasks.cancel(None)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    heard = [signum for signum, known in before.items() if known is not signal.SIG_IGN]
    try:
        for signum in heard:
            loop.add_signal_handler(signum, stop, signum)
        yield
    finally:
        for signum in heard:
            loop.remove_signal_handler(signum)
            signal.signal(signum, before[signum])
