"""Where the daemon's log goes: a file that begins anew when it is large, and stderr, which systemd hands on."""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError

if TYPE_CHECKING:
    from .settings import DaemonSettings

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# Source: sd-daemon(3). journald keeps time and priority by itself.
PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))


class ForJournal(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def log_to(settings: DaemonSettings, *, detached: bool) -> None:
    """Replaces what was set up before. Raises ConfigError where the file cannot be written."""
    root = logging.getLogger()
    root.setLevel(settings.log_level.upper())
    handlers: list[logging.Handler] = []
    if settings.log_file:
        handlers.append(_file_handler(settings, settings.log_file))
    if not detached:
        handlers.append(_stderr_handler())
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)


def _file_handler(settings: DaemonSettings, name: str) -> logging.Handler:
    path = Path(name).expanduser().absolute()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
        handler = RotatingFileHandler(path, maxBytes=settings.log_size, backupCount=settings.log_files)
    except OSError as error:
        raise ConfigError(f"the log file {path} cannot be written: {error.strerror}; set log_file") from error
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler


def _stderr_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ForJournal("%(name)s: %(message)s") if _goes_to_journal() else logging.Formatter(FORMAT))
    return handler


def _goes_to_journal() -> bool:
    """systemd says which file its journal reads; a program further down may have another stderr."""
    try:
        facts = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"
