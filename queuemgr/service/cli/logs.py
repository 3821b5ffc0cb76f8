"""Where a worker's log goes: to stderr, in lines for people or in JSON for programs."""

from __future__ import annotations

import json
import logging
import sys

FORMAT = "%(asctime)s %(levelname)-7s %(process)d %(message)s"


class JsonFormatter(logging.Formatter):
    """{"at", "level", "logger", "pid", "message"}, and "traceback" where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)


def log_to_stderr(level: str, *, as_json: bool) -> None:
    """Set up logging for this process and those that are forked from it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(FORMAT, "%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
