"""What a run says is gathered with a bound, whatever it runs in."""

from __future__ import annotations

from queuemgr.context import NOTE
from queuemgr.job import Lease
from queuemgr.reporting import OUTPUT_LIMIT, RunReporter
from queuemgr.testing.clock import ManualClock

LEASE = Lease(1, "job-1", "task", "default", 1, 0, 0, False, None, b"", 0.0)


def reporter(dirty: set[RunReporter] | None = None) -> RunReporter:
    return RunReporter(LEASE, ManualClock(), set() if dirty is None else dirty)


def test_a_long_note_is_cut() -> None:
    said = reporter()
    said.progress(5, "x" * 1_000_000)
    report = said.take()
    assert report is not None
    assert (report.progress, report.note) == (5, "x" * NOTE)


def test_a_step_without_a_note_keeps_the_one_before() -> None:
    said = reporter()
    said.progress(5, "reading")
    said.progress(6, None)
    report = said.take()
    assert report is not None
    assert (report.progress, report.note) == (6, "reading")


def test_output_beyond_the_limit_is_not_kept_and_that_is_said_once() -> None:
    said = reporter()
    for _ in range(3):
        said.output("stdout", "x" * (OUTPUT_LIMIT - 10))
    report = said.take()
    assert report is not None
    [(_, stream, text)] = report.output
    assert (stream, text.count("x")) == ("stdout", OUTPUT_LIMIT)
    assert text.endswith("x\n[output beyond 256 KiB is not kept]\n")


def test_what_was_taken_is_not_told_again() -> None:
    dirty: set[RunReporter] = set()
    said = reporter(dirty)
    said.output("stdout", "line\n")
    assert dirty == {said}
    assert said.take() is not None
    assert (said.take(), dirty) == (None, set())
