"""What both queues share: their parameters, the payloads they send, and what becomes of a job that failed."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import urlencode

from queuemgr.codec import Codec
from queuemgr.dialects.laravel.sources import FromClient
from queuemgr.dialects.laravel.store import LaravelStore
from queuemgr.errors import (
    BadArguments,
    ConfigError,
    EncodingError,
    StoreError,
    StoreUnavailable,
    UndecodableError,
)
from queuemgr.job import Job, Lease, State, new_id
from queuemgr.options import Backoff
from queuemgr.outcome import SUCCEEDED, Verdict

from .emitter import EventEmitter, Listener
from .engine import Engine
from .letters import Letters
from .metrics import MetricsCollector
from .retry import RetryConfig, RetryStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

H = TypeVar("H", bound=Listener)

log = logging.getLogger("lara_queue")
EVENT = "queued"
CODEC = Codec("json")


class RetrySetting:
    """A setting of RetryConfig as an attribute of the queue."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, queue: BaseQueue, kind: type[BaseQueue]) -> Any:
        return getattr(queue._retry, self._name)

    def __set__(self, queue: BaseQueue, value: Any) -> None:
        queue._retry = replace(queue._retry, **{self._name: value})


class BaseQueue:
    """A queue of Laravel's, to send jobs to and to run those of it.

    Parameters: `client` is a client of redis-py; `queue` the queue's name in Laravel; `appname` and `prefix` together
    are the prefix of Laravel's Redis connection. `max_retries` is how often a job runs at most where it does not say
    so itself; the other `retry_...` are told in retry.py. `retry_after` seconds after the last sign of a worker others
    may take its jobs, the same number as in Laravel's configuration. `dead_letter_queue` names the list in which an
    older version kept its dead letters. `is_queue_notify`, `horizon_metrics_enabled`, `horizon_ttl`,
    `retry_tracking_ttl` and `max_retry_tracking` are accepted and need no care any more.
    Raises ValueError for what cannot be.
    """

    ee: EventEmitter

    def __init__(  # noqa: PLR0917 - the names and their order are what callers rely on
        self,
        client: Any,
        queue: str,
        driver: str = "redis",
        appname: str = "laravel",
        prefix: str = "_database_",
        is_queue_notify: bool = True,
        is_horizon: bool = False,
        horizon_metrics_enabled: bool = True,
        horizon_ttl: int = 86400,
        dead_letter_queue: str | None = None,
        max_retries: int = 3,
        retry_strategy: RetryStrategy = RetryStrategy.EXPONENTIAL,
        retry_delay: float = 5,
        retry_max_delay: float = 300,
        retry_jitter: bool = True,
        retry_backoff_multiplier: float = 2.0,
        retry_custom_function: Callable[[int], float] | None = None,
        retry_exceptions: list[type[BaseException]] | tuple[type[BaseException], ...] | None = None,
        enable_metrics: bool = True,
        metrics_history_size: int = 1000,
        retry_tracking_ttl: int = 3600,
        max_retry_tracking: int = 10000,
        *,
        retry_after: float = 90,
    ) -> None:
        if driver != "redis":
            raise ValueError(f"there is no driver {driver!r}: Laravel's queues are reached in Redis, driver='redis'")
        self.client, self.queue, self.driver = client, queue, driver
        self.appname, self.prefix = appname, prefix
        self.dead_letter_queue = dead_letter_queue or f"{queue}:failed"
        named = (max_retries, retry_strategy, retry_delay, retry_max_delay, retry_jitter, retry_backoff_multiplier)
        self._retry = RetryConfig(*named, retry_custom_function, retry_exceptions)
        self.metrics = MetricsCollector(metrics_history_size) if enable_metrics else None
        self._store, self._has_url = _store_of(client, f"{appname}{prefix}", retry_after, is_horizon)
        self.is_queue_notify, self.is_horizon = is_queue_notify, is_horizon
        self.horizon_metrics_enabled, self.horizon_ttl = horizon_metrics_enabled, horizon_ttl
        self.retry_tracking_ttl, self.max_retry_tracking = retry_tracking_ttl, max_retry_tracking
        self._begin_counting()

    def _begin_counting(self) -> None:
        self._engine: Engine | None = None
        self._processing_jobs = 0
        self.reset_retry_statistics()

    @overload
    def handler(self, f: H) -> H: ...

    @overload
    def handler(self, f: None = None) -> Callable[[H], H]: ...

    def handler(self, f: H | None = None) -> H | Callable[[H], H]:
        """Call this function for every job: `@queue.handler`. It gets `{"name": ..., "data": {...}}`.

        A job has succeeded when all handlers have returned.
        """
        return self.ee.on(EVENT) if f is None else self.ee.on(EVENT, f)

    def shutdown(self) -> None:
        """Let `listen` return when the jobs that run have ended. From any thread, and from a handler."""
        if self._engine is not None:
            self._engine.stop()

    def get_retry_statistics(self) -> dict[str, Any]:
        """What this process has seen since its start, and the settings in force."""
        retry, counted = self._retry, self._retries_counted
        ended = counted["successful_retries"] + counted["failed_retries"]
        config = {
            "strategy": retry.retry_strategy.value,
            "max_retries": retry.max_retries,
            "delay": retry.retry_delay,
            "max_delay": retry.retry_max_delay,
            "jitter": retry.retry_jitter,
            "backoff_multiplier": retry.retry_backoff_multiplier,
            "retryable_exceptions": None if retry.retry_exceptions is None else [*retry.retry_exceptions],
        }
        return {
            **counted,
            "success_rate": 100.0 * counted["successful_retries"] / ended if ended else 0.0,
            # Each job carries its own count, so that a restart forgets none.
            "current_retry_tracking": 0,
            "current_retry_config": config,
        }

    def reset_retry_statistics(self) -> None:
        names = ("total_retries", "successful_retries", "failed_retries", "dead_letter_jobs")
        self._retries_counted = dict.fromkeys(names, 0)

    def update_retry_config(self, **changes: Any) -> None:
        """`max_retries` and the rest of RetryConfig; None leaves one as it is. Raises TypeError, ValueError."""
        self._retry = replace(self._retry, **{name: value for name, value in changes.items() if value is not None})

    @property
    def _letters(self) -> Letters:
        return Letters(self._store, self.queue, self.dead_letter_queue, self._retry.max_retries)

    def _new_engine(self) -> Engine:
        """Raises RuntimeError without a handler, or while it listens already."""
        if not self.ee.listeners(EVENT):
            raise RuntimeError(
                f"the queue {self.queue!r} has no handler: decorate a function with @queue.handler first"
            )
        if self._engine is not None:
            raise RuntimeError(f"this object listens to the queue {self.queue!r} already; make another one")
        self._engine = Engine(self._store, self.queue, self._judge, pulse=self._has_url)
        return self._engine

    def _job(self, name: str, data: Any, timeout: int | None = None, delay: float | None = None) -> Job:
        """Raises ValueError for what Laravel's payload cannot carry."""
        positional, named = ([], data) if isinstance(data, dict) else ([data], {})
        if "@" in name:
            positional, named = [data], {}
        try:
            args = CODEC.encode([positional, named])
        except EncodingError as error:
            raise ValueError(f"Failed to serialize job data: {error}") from error
        options = None if timeout is None else {"timeout": timeout}
        # Its number of runs is its worker's business, Laravel's or ours.
        return Job(id=new_id(), task=name, args=args, queue=self.queue, delay=delay, options=options)

    def _judge(self, lease: Lease, error: BaseException | None) -> Verdict:
        counted = self._retries_counted
        if error is None:
            counted["successful_retries"] += lease.failures > 0
            return SUCCEEDED
        failures, config, asked = lease.failures + 1, self._retry, lease.options or {}
        most = asked.get("attempts", config.max_retries)
        if isinstance(error, UndecodableError):
            reason = "its payload cannot be read"
        elif lease.at_most_once or failures >= most:
            reason = f"all {most} attempts failed" if most > 1 and not lease.at_most_once else "its only attempt failed"
        elif not config.is_passing(error):
            reason = "its error is one that is not retried"
        else:
            return self._once_more(lease, error, failures)
        counted["failed_retries"] += lease.failures > 0
        counted["dead_letter_jobs"] += 1
        log.error("job %s (%s) is a dead letter: %s: %r", lease.id, lease.task, reason, error)
        return Verdict(State.DEAD, "failed", failed=True, reason=reason)

    def _once_more(self, lease: Lease, error: BaseException, failures: int) -> Verdict:
        try:
            own = (lease.options or {}).get("backoff")
            delay = Backoff(**own)(failures) if own else self._retry.calculate_delay(failures)
        except Exception as broken:
            log.exception("the delay of job %s cannot be worked out", lease.id)
            return Verdict(State.DEAD, "failed", failed=True, reason=f"its delay cannot be worked out: {broken!r}")
        self._retries_counted["total_retries"] += 1
        if self.metrics is not None:
            self.metrics.record_retry(lease.task, failures)
        log.warning("job %s (%s) failed and runs again in %.1f s: %r", lease.id, lease.task, delay, error)
        return Verdict(State.SCHEDULED, "failed", run_at=self._store.clock.now() + delay, failed=True)

    def _ended(self, lease: Lease, start: float, error: BaseException | None) -> None:
        if self.metrics is None:
            return
        seconds = time.perf_counter() - start
        if error is None:
            self.metrics.record_job_success(lease.task, start, seconds)
        else:
            self.metrics.record_job_failure(lease.task, start, seconds, error)


for _name in (field.name for field in fields(RetryConfig)):
    setattr(BaseQueue, _name, RetrySetting(_name))


def data_of(lease: Lease) -> dict[str, Any]:
    """What handlers get. Raises UndecodableError."""
    positional, *named = CODEC.decode(lease.args)
    data = named[0] if named and not positional else positional[0] if positional else {}
    return {"name": lease.task, "data": data, "uuid": lease.id, "attempts": lease.failures}


@contextmanager
def in_builtin_errors() -> Iterator[None]:
    """Errors of the store as the built-in ones that callers know: ValueError, ConnectionError, RuntimeError."""
    try:
        yield
    except (EncodingError, BadArguments) as error:
        raise ValueError(f"Failed to serialize job data: {error}") from error
    except StoreUnavailable as error:
        raise ConnectionError(str(error)) from error
    except StoreError as error:
        raise RuntimeError(str(error)) from error


def _store_of(client: Any, prefix: str, retry_after: float, horizon: bool) -> tuple[LaravelStore, bool]:
    """The store, and whether its URL leads to the server by itself."""
    ways = urlencode({"prefix": prefix, "retry_after": retry_after, "horizon": "yes" if horizon else "no"})
    try:
        source = FromClient(client)
        url = source.url
        return LaravelStore(f"laravel+redis://{url or 'elsewhere'}?{ways}", source=source), url is not None
    except ConfigError as error:
        raise ValueError(str(error)) from error
