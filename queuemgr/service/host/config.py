"""How a service is set up: checked values, and the places that follow from them. It opens nothing."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Literal

import msgspec

from queuemgr.errors import ConfigError, ValidationError
from queuemgr.jobs.classes import Places
from queuemgr.service.observe.config import AlertWish, Notify
from queuemgr.service.observe.rules import rules_of

DAY = 86400.0
FOR_EVER = 100 * 365 * DAY


OR_NONE = (
    *("keep", "keep_failed", "keep_stopped", "keep_deleted", "keep_pending", "max_retained_jobs"),
    *("keep_results", "results_quota"),
)
"""The settings that are 0 or more, or None."""


class HostConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times are seconds, sizes bytes. Raises ConfigError.

    `store` is a URL, by default a SQLite file beside the registry. `proc_dir` holds the control socket. A running job
    gets `stop_notice` to end by itself, is interrupted then, and killed `stop_grace` later; when the service stops all
    that takes `shutdown_timeout`. A job that was running when the service was killed is reported as failed or, with
    `on_interrupt="restart"`, run again. `keep` is for how long a finished job stays, None until somebody deletes it.
    `keep_failed`, `keep_stopped` and `keep_deleted` say it for such jobs alone; only the last `max_retained_jobs` ended
    ones stay; one that nobody has started `keep_pending` after it was added is deleted. At `max_queue_size` known jobs
    an ended one goes or a new one is refused; so it is at `per_job_type_limits` of its class that have not ended.
    `memory_limit` holds for jobs that ask for none of their own. A result may take `max_result`; a large one goes
    `keep_results` after its job's end, and the oldest of them beyond `results_quota` together. Results of up to
    `inline_result` stand in the registry's lines. `alerts` are rules with their severity,
    {"queue_length > 10000": "high_priority"}, not set: those that are in the store; `notify` says who is told of them.
    """

    registry_path: str = "queuemgr_registry.jsonl"
    proc_dir: str = "queuemgr_proc"
    store: str | None = None
    shutdown_timeout: float = 30.0
    cleanup_interval: float = 300.0
    max_concurrent_jobs: int = 50
    stop_notice: float = 2.0
    stop_grace: float = 5.0
    on_interrupt: Literal["report", "restart"] = "report"
    keep: float | None = None
    keep_failed: float | None = None
    keep_stopped: float | None = None
    keep_deleted: float | None = None
    keep_pending: float | None = None
    max_retained_jobs: int | None = None
    max_queue_size: int | None = None
    per_job_type_limits: dict[str, int] = {}
    memory_limit: int | None = None
    inline_result: int = 16 * 1024
    max_result: int | None = None
    keep_results: float | None = None
    results_quota: int | None = None
    alerts: dict[str, str | AlertWish] | None = None
    notify: tuple[Notify, ...] = ()
    places: Places = Places()

    def __post_init__(self) -> None:
        for name in ("shutdown_timeout", "stop_notice", "stop_grace"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ConfigError(f"{name} must be 0 or more seconds, not {getattr(self, name)}")
        if not (isfinite(self.cleanup_interval) and self.cleanup_interval > 0):
            raise ConfigError(
                f"cleanup_interval must be a finite number greater than zero, not {self.cleanup_interval}"
            )
        if self.max_concurrent_jobs < 1:
            raise ConfigError(f"max_concurrent_jobs must be at least 1, not {self.max_concurrent_jobs}")

        for name in OR_NONE:
            if (value := getattr(self, name)) is not None and not (isfinite(value) and value >= 0):
                raise ConfigError(f"{name} must be 0 or more, or not set, not {value}")
        for name in ("max_queue_size", "memory_limit", "max_result"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, or not set, not {value}")
        if self.inline_result < 0:
            raise ConfigError(f"inline_result must be 0 or more bytes, not {self.inline_result}")
        for kind, most in self.per_job_type_limits.items():
            if most < 0:
                raise ConfigError(f"per_job_type_limits must be 0 or more for each class, not {most} for {kind}")

        self._check_together()

    def _check_together(self) -> None:
        if _file_of(self.url) == self.registry:
            told = f"registry_path and the store are the same file, {self.registry}"
            raise ConfigError(f"{told}: end the one in .jsonl, the other in .db")
        try:
            rules_of(self.alerts or {}, "")
        except ValidationError as error:
            raise ConfigError(f"alerts cannot be used: {error.reason}") from error

    @property
    def lifetime(self) -> float:
        """Seconds for which the store itself keeps an ended job; what goes earlier is for retention.py."""
        if self.keep is None:
            return FOR_EVER
        return max(self.keep, self.keep_failed or 0.0, self.keep_stopped or 0.0)

    @property
    def registry(self) -> Path:
        return Path(self.registry_path).expanduser().absolute()

    @property
    def url(self) -> str:
        return self.store or f"sqlite:///{self.registry.with_suffix('.db')}"

    @property
    def room(self) -> Path:
        """The folder of the socket and the lock, which nobody else may enter."""
        return room_of(self.proc_dir)

    @property
    def socket(self) -> Path:
        return socket_of(self.proc_dir)


def _file_of(url: str) -> Path | None:
    """That of a SQLite store."""
    scheme, found, path = url.partition(":///")
    return Path(path.partition("?")[0]).expanduser().absolute() if found and scheme == "sqlite" else None


def room_of(proc_dir: str | Path) -> Path:
    return Path(proc_dir).expanduser().absolute() / "proc"


def socket_of(proc_dir: str | Path) -> Path:
    """Where the service of this folder is asked."""
    return room_of(proc_dir) / "control.sock"


def proc_dir_of_programs() -> str:
    """Where a program's service is if it does not say: a folder of this user's own where another one has the usual."""
    usual = Path(tempfile.gettempdir()) / "queuemgr"
    with suppress(OSError):
        if usual.stat().st_uid != os.geteuid():
            return f"{usual}-{os.geteuid()}"
    return str(usual)
