"""What the daemon needs beside the service itself, and where its files are if nothing else was said."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from queuemgr.errors import ConfigError

if TYPE_CHECKING:
    from queuemgr.service.host.config import HostConfig

STATE, RUN, LOG = Path("/var/lib/queuemgr"), Path("/var/run/queuemgr"), Path("/var/log/queuemgr")


class DaemonSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times are seconds, sizes bytes. Raises ConfigError.

    `log_file` None logs to stderr alone; it begins anew at `log_size`, and `log_files` older ones are kept.
    `workers` are apps, "module:app", whose tasks are run beside the job classes, in `worker_processes` each.
    """

    pidfile: str = "daemon.pid"
    log_file: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_size: int = 10 * 1024 * 1024
    log_files: int = 5
    workers: tuple[str, ...] = ()
    worker_processes: int = 1

    def __post_init__(self) -> None:
        for name, least in (("log_size", 1024), ("log_files", 0), ("worker_processes", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Settings:
    host: HostConfig
    daemon: DaemonSettings


def usual_places() -> dict[str, str]:
    """Those of the installed service for its user and for root, and otherwise this user's own."""
    if os.access(STATE, os.W_OK):
        state, run, log = STATE, RUN, LOG
    else:
        home = Path.home()
        state = Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state") / "queuemgr"
        run = Path(os.environ.get("XDG_RUNTIME_DIR") or state) / "queuemgr"
        log = state
    return {
        "registry_path": str(state / "registry.jsonl"),
        "proc_dir": str(run),
        "pidfile": str(run / "daemon.pid"),
        "log_file": str(log / "daemon.log"),
    }
