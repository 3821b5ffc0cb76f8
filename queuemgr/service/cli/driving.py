"""Starts and stops the daemon for whoever typed it: by systemd where that keeps it, else by its own command."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ServiceError, ServiceNotRunning

if TYPE_CHECKING:
    from .asking import Asking

UNIT = Path("/etc/systemd/system/queuemgr.service")
BOOTED = Path("/run/systemd/system")
USER = "queuemgr"


def start_daemon(asking: Asking) -> None:
    """Return once it is ready. Raises ServiceError with what it said."""
    if _by_systemd(asking):
        _run(["systemctl", "start", "queuemgr"])
    else:
        _run(_command(asking, "start", "--daemon"), environment=_environment(asking), **_as_service_user())


def stop_daemon(asking: Asking) -> int | None:
    """Return once it is gone; its pid, or None where none ran. Raises ServiceError."""
    from queuemgr.service.daemon.pidfile import PidFile

    if _by_systemd(asking):
        _run(["systemctl", "stop", "queuemgr"])
        return None
    pid = PidFile(str(asking.values()["pidfile"].value)).pid()
    if pid is not None:
        _run(_command(asking, "stop"), environment=_environment(asking), **_as_service_user())
        return pid
    return _shut_down(asking)


def _shut_down(asking: Asking) -> int | None:
    """A service that is no daemon: a program has started it."""
    try:
        pid = int(asking.call("service.status")["pid"])
        asking.call("service.shutdown")
    except ServiceNotRunning:
        return None
    return pid


def _by_systemd(asking: Asking) -> bool:
    mine = asking.proc_dir or asking.config
    return not mine and UNIT.exists() and BOOTED.is_dir() and shutil.which("systemctl") is not None


def _command(asking: Asking, *words: str) -> list[str]:
    config = ["--config", str(Path(asking.config).absolute())] if asking.config else []
    return [sys.executable, "-m", "queuemgr.service.daemon", *words, *config]


def _environment(asking: Asking) -> dict[str, str]:
    folder = {"QUEUEMGR_PROC_DIR": str(Path(asking.proc_dir).absolute())} if asking.proc_dir else {}
    return {**os.environ, **folder}


def _as_service_user() -> dict[str, Any]:
    """Root lends the installed service no rights of its own."""
    if os.geteuid() != 0 or not UNIT.exists():
        return {}
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        return {}
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def _run(command: list[str], environment: dict[str, str] | None = None, **how: Any) -> None:
    nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
    done = subprocess.run(command, env=environment, stdout=nothing, stderr=pipe, text=True, check=False, **how)
    if done.returncode != 0:
        said = done.stderr.strip().removeprefix("queuemgr: ") or f"{command[-1]} ended with code {done.returncode}"
        raise ServiceError(said)
