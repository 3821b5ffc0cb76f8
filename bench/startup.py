"""Milliseconds until Python has imported queuemgr, has shown its help, or has started a worker's first job.

`python bench/startup.py [--rounds 10]`. Beside it stand a Python that does nothing and the bare loop's first job.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import bare
import jobs
from bare import BareQueue
from crew import HERE, alone, running, scratch, supervised, url_of
from rounds import Row, in_turn, say, show

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

PROGRAMS = {
    "python -c pass": ("-c", "pass"),
    "import queuemgr": ("-c", "import queuemgr"),
    "from queuemgr import App": ("-c", "from queuemgr import App"),
    "queuemgr --help": ("-m", "queuemgr", "--help"),
}
NOTHING = "python -c pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    chosen = parser.parse_args()
    sides: dict[str, Callable[[], float]] = {name: partial(ended, words) for name, words in PROGRAMS.items()}
    sides |= {
        "queuemgr worker": partial(first_job, supervised),
        "app.work()": partial(first_job, alone),
        "bare loop": first_bare_job,
    }
    samples = in_turn(sides, chosen.rounds)
    rows = [Row(name, name, NOTHING if name != NOTHING else None) for name in PROGRAMS]
    rows += [Row(f"{name} to its first job", name, "bare loop") for name in ("queuemgr worker", "app.work()")]
    show("start", rows, samples, "ms")
    say(f"bare: {NOTHING}; for the first job the bare loop: {bare.PROMISE}", f"ours: {jobs.PROMISE}")


def ended(words: tuple[str, ...]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, cwd=HERE, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def first_job(start: Callable[[str], AbstractContextManager[object]]) -> float:
    """From the start of the process to the first line of a job that waits for it."""
    with scratch() as folder:
        app = jobs.app_on(url_of(folder / "jobs.db"))
        job = app.tasks["jobs.moment"].enqueue()
        began = time.monotonic_ns()
        with start(app.url):
            moment: int = job.result(30)
        app.close()
        return (moment - began) / 1e6


def first_bare_job() -> float:
    with scratch() as folder:
        queue = BareQueue(folder / "bare.db")
        queue.enqueue("moment")
        began = time.monotonic_ns()
        with running(str(HERE / "bare.py"), str(folder / "bare.db")) as process:
            assert process.stdout is not None
            moment = int(process.stdout.readline())
        queue.close()
        return (moment - began) / 1e6


if __name__ == "__main__":
    main()
