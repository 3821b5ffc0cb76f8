"""Seconds from `kill -9` of a worker in mid-job until its job runs again, with default settings.

`python bench/recovery.py [--rounds 5]`. Whether anything is lost or run twice is asked by the tests, not here.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import jobs
from crew import alone, scratch, supervised, url_of
from rounds import Row, in_turn, say, show

if TYPE_CHECKING:
    from pathlib import Path

    from queuemgr import App

PATIENCE = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    sides = {
        "another": partial(recovered, by_another=True),
        "supervisor": partial(recovered, by_another=False),
    }
    rows = [Row("another worker is alive", "another"), Row("only the supervisor is alive", "supervisor")]
    samples = in_turn(sides, chosen.rounds)
    show("from kill -9 of the worker to the next start of its job", rows, samples, "seconds")
    longest = ", ".join(f"{row.name} {max(samples[row.ours]):.2f} s" for row in rows)
    say(f"longest: {longest}", f"ours: {jobs.PROMISE}", "bare loop: never; nobody knows that the job was interrupted")


def recovered(*, by_another: bool) -> float:
    with scratch() as folder, ExitStack() as crew:
        app = jobs.app_on(url_of(folder / "jobs.db"))
        crew.callback(app.close)
        crew.enter_context(alone(app.url) if by_another else supervised(app.url))
        starts = folder / "starts"
        job = app.tasks["jobs.linger"].enqueue(str(starts))
        victim, *_ = nth_start(starts, 1)
        if by_another:
            crew.enter_context(alone(app.url))
            wait_for_workers(app, 2)
        # The survivor looks around twice a second: the kill shall come at any moment between two looks.
        time.sleep(random.uniform(0.5, 1.5))
        killed = time.monotonic_ns()
        os.kill(victim, signal.SIGKILL)
        again, attempt, began = nth_start(starts, 2)
        assert again != victim
        assert attempt == 2
        job.result(30)
        return (began - killed) / 1e9


def nth_start(starts: Path, number: int) -> tuple[int, int, int]:
    """Pid, attempt and moment of the job's start."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lines = starts.read_text().splitlines(keepends=True) if starts.exists() else []
        if len(lines) >= number and lines[number - 1].endswith("\n"):
            pid, attempt, began = map(int, lines[number - 1].split())
            return pid, attempt, began
        time.sleep(0.005)
    raise TimeoutError(f"the job did not start for the time number {number} within {PATIENCE} s")


def wait_for_workers(app: App, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(app.client.workers()) < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"there are not {number} workers after {PATIENCE} s")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
