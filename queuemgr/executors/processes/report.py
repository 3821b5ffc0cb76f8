"""What a running job tells the worker meanwhile: progress and log lines. It writes to nobody but the worker."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from queuemgr.context import NOTE

from .frames import Frame, Progress, Text
from .later import when_imported

if TYPE_CHECKING:
    from collections.abc import Callable

    from .logs import LogHandler

BURST = 100  # progress reports that may be sent at once
RATE = 50  # and how many more each second
TEXT = 8 * 1024  # characters in one frame, so that it fits into one packet


class Reporter:
    """The reporter of a child's JobContext. May be called from any thread; says nothing between jobs."""

    def __init__(self, send: Callable[[Frame], None]) -> None:
        self._send = send
        self._active = False
        self._allowed = float(BURST)
        self._looked = 0.0
        self._held: Progress | None = None

    def start(self) -> None:
        self._active = True

    def finish(self) -> None:
        """Send what was held back, and say nothing any more."""
        held, self._held = self._held, None
        if held is not None:
            self._tell(held)
        self._active = False

    def progress(self, percent: float, note: str | None) -> None:
        """Not every step is sent of a job that reports a million of them: that would keep the worker busy."""
        report = Progress(percent, None if note is None else _clean(str(note)[:NOTE]))
        now = time.monotonic()
        self._allowed = min(BURST, self._allowed + (now - self._looked) * RATE)
        self._looked = now
        if self._allowed < 1:
            self._held = report
            return
        self._allowed -= 1
        self._held = None
        self._tell(report)

    def output(self, stream: str, text: str) -> None:
        text = _clean(text)
        for start in range(0, len(text), TEXT):
            self._tell(Text(stream, text[start : start + TEXT]))

    def _tell(self, frame: Frame) -> None:
        if self._active:
            with suppress(OSError):  # the worker is gone: this process will be ended soon
                self._send(frame)


class Logs:
    """Sends log records as lines of the job's output, once somebody in this process logs at all."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._handler: LogHandler | None = None
        # Together with what it needs, logging takes every fork of this process a tenth of its time.
        when_imported("logging", self._begin)

    def _begin(self) -> None:
        from .logs import LogHandler

        self._handler = LogHandler(self._reporter.output)
        self.install()

    def install(self) -> None:
        """Be heard, whatever has been set up meanwhile."""
        if self._handler is not None:
            self._handler.install()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
