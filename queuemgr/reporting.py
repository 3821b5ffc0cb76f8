"""Gathers what running jobs say, with a bound, until the worker hands it to the store. It writes nothing itself."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .context import NOTE
from .store import Report

if TYPE_CHECKING:
    from .clock import Clock
    from .job import Lease

OUTPUT_LIMIT = 256 * 1024


class RunReporter:
    """The Reporter of one run. Called from any thread, and without a lock, which a job that is stopped could keep shut.

    A line that is written at the very moment of `take` from another thread may so be lost.
    """

    __slots__ = ("_clock", "_dirty", "_lease", "_left", "_report")

    def __init__(self, lease: Lease, clock: Clock, dirty: set[RunReporter]) -> None:
        self._lease = lease
        self._clock = clock
        self._dirty = dirty
        self._left = OUTPUT_LIMIT
        self._report: Report | None = None

    def progress(self, percent: float, note: str | None) -> None:
        report = self._pending()
        report.progress = percent
        if note is not None:
            report.note = str(note)[:NOTE]

    def output(self, stream: str, text: str) -> None:
        if self._left <= 0:
            return
        self._left -= len(text)
        if self._left <= 0:
            text = f"{text[: len(text) + self._left]}\n[output beyond {OUTPUT_LIMIT // 1024} KiB is not kept]\n"
        self._pending().output.append((self._clock.now(), stream, text))

    def take(self) -> Report | None:
        """What has been said since the last time."""
        report, self._report = self._report, None
        self._dirty.discard(self)
        if report is not None and len(report.output) > 1:
            report.output = _joined(report.output)
        return report

    def _pending(self) -> Report:
        report = self._report
        if report is None:
            report = self._report = Report(self._lease)
        self._dirty.add(self)
        return report


def _joined(output: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Pieces of one stream that follow each other as one, with the moment of the first: print() writes in pieces."""
    joined: list[tuple[float, str, str]] = []
    for stream, pieces in groupby(output, key=lambda piece: piece[1]):
        first, *more = pieces
        joined.append((first[0], stream, first[2] + "".join(text for _, _, text in more)))
    return joined
