"""The queue for synchronous code: handlers run one by one, in the thread that called `listen`."""

from __future__ import annotations

import asyncio
import inspect
import logging
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from queuemgr.fault import point

from .base import EVENT, BaseQueue, data_of, in_builtin_errors
from .connections import RedisConnectionFactory
from .emitter import EventEmitter
from .engine import Abandoned, Engine
from .lanes import Line

if TYPE_CHECKING:
    from queuemgr.job import Lease

    from .metrics import MetricsCollector

T = TypeVar("T")
SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("lara_queue")


class Queue(BaseQueue):
    """Parameters: those of BaseQueue; `client` may be synchronous or not."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.ee = EventEmitter()
        self._coroutines: asyncio.Runner | None = None
        super().__init__(*args, **options)

    @classmethod
    def create_with_recommended_settings(
        cls,
        redis_url: str = "redis://localhost:6379/0",
        queue: str = "default",
        max_connections: int = 50,
        socket_timeout: float = 60,
        **options: Any,
    ) -> Queue:
        client = RedisConnectionFactory.create_client(
            redis_url, max_connections=max_connections, socket_timeout=socket_timeout
        )
        return cls(client, queue, **options)

    def push(self, name: str, dictObj: Any) -> None:  # noqa: N803 - callers may name it
        """Send a job to Laravel's class `name`, with these properties; it is in Redis when the call returns.

        Raises ValueError, ConnectionError, RuntimeError.
        """
        self.redisPush(name, dictObj)

    def redisPush(  # noqa: N802 - the name is what callers rely on
        self,
        name: str,
        dictObj: Any,  # noqa: N803
        timeout: int | None = None,
        delay: float | None = None,
    ) -> None:
        """The same, with the job's time-out in seconds, which Laravel's workers keep, and seconds to wait before."""
        with in_builtin_errors():
            self._store.enqueue_now([self._job(name, dictObj, timeout, delay)])

    def listen(self) -> None:
        """Run jobs until SIGTERM, SIGINT or `shutdown`; the job that runs may end. In any thread.

        A second signal breaks the handler off by KeyboardInterrupt; its job goes back to the queue.
        Raises RuntimeError without a handler.
        """
        engine = self._new_engine()
        begun: SimpleQueue[Line | None] = SimpleQueue()
        failed: list[BaseException] = []
        machinery = threading.Thread(target=_drive, args=(engine, begun, failed), name="lara_queue", daemon=True)
        try:
            with ExitStack() as cleanup:
                cleanup.callback(self._end_coroutines)
                cleanup.callback(machinery.join)
                cleanup.callback(engine.stop)
                cleanup.enter_context(signals_stop(engine))
                machinery.start()
                if (line := begun.get()) is not None:
                    self._work(line, engine)
        finally:
            self._engine = None
        if failed:
            raise failed[0]

    def get_metrics(self) -> dict[str, Any] | None:
        """What this process has done; None without `enable_metrics`."""
        return None if self.metrics is None else self.metrics.get_metrics()

    def reset_metrics(self) -> None:
        if self.metrics is not None:
            self.metrics.reset_metrics()

    def get_recent_jobs(self, limit: int = 100) -> list[dict[str, Any]]:
        return [] if self.metrics is None else self.metrics.get_recent_jobs(limit)

    def get_job_type_metrics(self, job_name: str) -> dict[str, Any] | None:
        return None if self.metrics is None else self.metrics.get_job_type_metrics(job_name)

    def get_performance_summary(self) -> dict[str, Any] | None:
        return summary_of(self.metrics)

    def get_dead_letter_jobs(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest first. Raises ConnectionError."""
        return self._awaited(self._letters.first(limit))

    def reprocess_dead_letter_job(self, failed_job_data: dict[str, Any]) -> bool:
        """Send it back to its queue, once; it begins anew. False where it is no dead letter any more."""
        return self._awaited(self._letters.send_back(failed_job_data))

    def clear_dead_letter_queue(self) -> int:
        """Delete the dead letters; how many there were."""
        return self._awaited(self._letters.clear())

    def _work(self, line: Line, engine: Engine) -> None:
        for lease in line:
            try:
                error = self._perform(lease)
            except BaseException:
                line.ended(lease, Abandoned())
                engine.stop()
                # It gives back the rest, so that nothing is left to be handed out.
                for rest in line:
                    line.ended(rest, Abandoned())
                raise
            line.ended(lease, error)

    def _perform(self, lease: Lease) -> BaseException | None:
        start, error = time.perf_counter(), None
        self._processing_jobs = 1
        point("run.before")
        try:
            data = data_of(lease)
            for listener in self.ee.take(EVENT):
                answer = listener(data)
                if answer is not None and inspect.isawaitable(answer):
                    self._finish(answer)
        except (Exception, SystemExit, asyncio.CancelledError) as raised:
            error = raised
        finally:
            self._processing_jobs = 0
        point("run.after")
        self._ended(lease, start, error)
        return error

    def _finish(self, answer: Any) -> None:
        """Run what an asynchronous handler has begun, in an event loop that stays for the next one."""

        async def finish() -> None:
            await answer

        if self._coroutines is None:
            self._coroutines = asyncio.Runner()
        self._coroutines.run(finish())

    def _end_coroutines(self) -> None:
        if self._coroutines is not None:
            self._coroutines.close()
            self._coroutines = None

    def _awaited(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The answer of asynchronous code, from a thread of its own: here an event loop may run already."""

        async def run() -> T:
            try:
                return await coroutine
            finally:
                await self._store.rest()

        answer: SimpleQueue[Callable[[], T]] = SimpleQueue()
        threading.Thread(target=lambda: answer.put(_outcome(run())), name="lara_queue", daemon=True).start()
        with in_builtin_errors():
            return answer.get()()


def summary_of(metrics: MetricsCollector | None) -> dict[str, Any] | None:
    told = None if metrics is None else metrics.get_metrics()
    return None if told is None else {"general": told["general"], "performance": told["performance"]}


@contextmanager
def signals_stop(engine: Engine) -> Iterator[None]:
    """The first SIGTERM or SIGINT stops the engine, the second raises KeyboardInterrupt; in the main thread only."""
    times = 0

    def stop(signum: int, _: Any) -> None:
        nonlocal times
        times += 1
        if times > 1:
            raise KeyboardInterrupt
        log.info("%s: no new jobs; the one that runs may end", signal.Signals(signum).name)
        engine.stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    heard = [signum for signum, known in before.items() if known is not signal.SIG_IGN]
    try:
        for signum in heard:
            signal.signal(signum, stop)
        yield
    finally:
        for signum in heard:
            signal.signal(signum, before[signum])


def _drive(engine: Engine, begun: SimpleQueue[Line | None], failed: list[BaseException]) -> None:
    async def run() -> None:
        line = Line(engine, asyncio.get_running_loop())
        begun.put(line)
        try:
            await engine.run(line)
        finally:
            line.close()

    try:
        asyncio.run(run())
    except BaseException as error:
        failed.append(error)
        begun.put(None)


def _outcome(coroutine: Coroutine[Any, Any, T]) -> Callable[[], T]:
    try:
        value = asyncio.run(coroutine)
    except BaseException as error:
        raised = error

        def fail() -> T:
            raise raised

        return fail
    return lambda: value
