"""Counts what a queue in this process has done. What it keeps is bounded, and other processes are not in it."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

MOST_NAMES = 1000
DETAILS = 100


class Told(dict[str, Any]):
    """Numbers that may be awaited or not, for callers of either kind. `None` when awaited if there are none."""

    def __await__(self) -> Generator[None, None, Told | None]:
        yield from ()
        return self or None


@dataclass(slots=True)
class Tally:
    """Seconds and counts of some jobs; `shortest` and `longest` are None before the first."""

    total: int = 0
    successful: int = 0
    seconds: float = 0.0
    shortest: float | None = None
    longest: float | None = None

    def add(self, seconds: float, *, success: bool) -> None:
        self.total += 1
        self.successful += success
        self.seconds += seconds
        if self.shortest is None or seconds < self.shortest:
            self.shortest = seconds
        if self.longest is None or seconds > self.longest:
            self.longest = seconds

    @property
    def success_rate(self) -> float:
        return 100.0 * self.successful / self.total if self.total else 0.0

    def times(self) -> dict[str, float]:
        return {
            "avg_processing_time": self.seconds / self.total if self.total else 0.0,
            "min_processing_time": self.shortest or 0.0,
            "max_processing_time": self.longest or 0.0,
        }


class MetricsCollector:
    """Any thread may record and read. `max_history_size` is how many jobs `get_recent_jobs` can tell of."""

    def __init__(self, max_history_size: int = 1000) -> None:
        self._lock = threading.Lock()
        self._history_size = max_history_size
        self._born = time.monotonic()
        self.reset_metrics()

    def record_job_start(self, job_name: str) -> float:  # noqa: ARG002 - the name is the caller's habit
        """The moment from which the job's time is counted."""
        return time.perf_counter()

    def record_job_success(self, job_name: str, start_time: float, processing_time: float | None = None) -> None:
        self._record(job_name, _since(start_time, processing_time), None)

    def record_job_failure(
        self, job_name: str, start_time: float, processing_time: float | None, exception: BaseException
    ) -> None:
        self._record(job_name, _since(start_time, processing_time), exception)

    def record_retry(self, job_name: str, attempt: int = 1) -> None:  # noqa: ARG002 - one counter for all of them
        with self._lock:
            self._retries += 1

    def get_metrics(self) -> dict[str, Any]:
        with self._lock:
            return Told(
                general=self._general(),
                performance=self._performance(),
                job_types={name: _of_type(tally) for name, tally in self._types.items()},
                errors={
                    "error_counts": dict(self._error_counts),
                    "error_types": dict(self._error_messages),
                    "error_details": {name: list(details) for name, details in self._error_details.items()},
                },
            )

    def get_job_type_metrics(self, job_name: str) -> dict[str, Any] | None:
        with self._lock:
            return _of_type(self._types[job_name]) if job_name in self._types else None

    def get_recent_jobs(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest last."""
        with self._lock:
            return [dict(job) for job in list(self._recent)[-limit:]] if limit > 0 else []

    def get_performance_summary(self) -> dict[str, Any]:
        with self._lock:
            return {
                "total_jobs": self._all.total,
                "success_rate": self._all.success_rate,
                "avg_processing_time": self._all.times()["avg_processing_time"],
                "throughput_per_minute": 60 * self._throughput(),
                "uptime_hours": (time.monotonic() - self._born) / 3600,
                "total_retries": self._retries,
            }

    def reset_metrics(self) -> None:
        with self._lock:
            self._reset_at = time.monotonic()
            self._all = Tally()
            self._types: dict[str, Tally] = {}
            self._retries = 0
            self._recent: deque[dict[str, Any]] = deque(maxlen=self._history_size)
            self._error_counts: Counter[str] = Counter()
            self._error_messages: Counter[str] = Counter()
            self._error_details: dict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=DETAILS))

    def _record(self, name: str, seconds: float, error: BaseException | None) -> None:
        job = {"name": name, "success": error is None, "processing_time": seconds, "timestamp": time.time()}
        with self._lock:
            self._all.add(seconds, success=error is None)
            self._type(name).add(seconds, success=error is None)
            if error is not None:
                job["error"] = str(error)
                self._count(name, error, job["timestamp"])
            self._recent.append(job)

    def _type(self, name: str) -> Tally:
        # Names come from outside: a flood of them must not fill the memory.
        name = name if name in self._types or len(self._types) < MOST_NAMES else "(others)"
        return self._types.setdefault(name, Tally())

    def _count(self, name: str, error: BaseException, moment: Any) -> None:
        kind, message = type(error).__name__, str(error)
        self._error_counts[kind] += 1
        if message in self._error_messages or len(self._error_messages) < MOST_NAMES:
            self._error_messages[message] += 1
        self._error_details[kind].append({"job_name": name, "timestamp": moment, "message": message})

    def _general(self) -> dict[str, Any]:
        now = time.monotonic()
        return {
            "total_processed": self._all.total,
            "total_successful": self._all.successful,
            "total_failed": self._all.total - self._all.successful,
            "total_retries": self._retries,
            "success_rate": self._all.success_rate,
            "uptime_seconds": now - self._born,
            "time_since_reset": now - self._reset_at,
        }

    def _performance(self) -> dict[str, Any]:
        return {
            **self._all.times(),
            "throughput_per_second": self._throughput(),
            "history_size": len(self._recent),
        }

    def _throughput(self) -> float:
        return self._all.total / max(time.monotonic() - self._reset_at, 1e-9)


class AsyncMetricsCollector(MetricsCollector):
    """The same. It never waits, so that its methods need no `await`."""


def _since(start: float, seconds: float | None) -> float:
    return time.perf_counter() - start if seconds is None else seconds


def _of_type(tally: Tally) -> dict[str, Any]:
    failed = tally.total - tally.successful
    counts = {"total": tally.total, "successful": tally.successful, "failed": failed}
    return {**counts, "success_rate": tally.success_rate, **tally.times()}
