"""What a running job logs, on its way to the worker. Imported only where there is logging; it sends nothing itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class LogHandler(logging.Handler):
    """Passes log records on as lines: `say` is given the stream and the text."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        super().__init__(logging.INFO)
        self._say = say
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def install(self) -> None:
        """Be among the root's handlers, which see INFO only if the root's level lets it through."""
        root = logging.getLogger()
        if self not in root.handlers:
            root.addHandler(self)
        if root.level in (logging.NOTSET, logging.WARNING):
            root.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        self._say("log", text)
