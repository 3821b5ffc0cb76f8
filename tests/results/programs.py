"""An app whose jobs have large results, for workers in processes that are killed. No test is in here.

`python -m tests.results.programs` works until nothing is ready. STORE names the store, NOTES a folder for notes.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
from pathlib import Path
from typing import Any

from queuemgr import App, current_job
from queuemgr.result import Results

app = App(os.environ.get("STORE", "sqlite:///not-there.db"), results=Results(folder=os.environ.get("RESULTS")))
NOTES = Path(os.environ.get("NOTES", "."))


def rows(number: int, text: str = "") -> list[dict[str, Any]]:
    return [{"id": index, "name": f"row {index}", "text": text} for index in range(number)]


def wait_for(note: str) -> None:
    """Until the test has written the note."""
    while not (NOTES / note).exists():
        threading.Event().wait(0.01)


def returns(number: int) -> list[dict[str, Any]]:
    return rows(number)


for kind in ("thread", "process", "pool"):
    app.task(name=f"returns {kind}", executor=kind)(returns)


@app.task(name="returns async")
async def returns_async(number: int) -> list[dict[str, Any]]:
    return rows(number)


def writes(number: int) -> None:
    with current_job().result_writer() as out:
        out.extend(rows(number))


for kind in ("thread", "process"):
    app.task(name=f"writes {kind}", executor=kind)(writes)


def leaves_open(number: int) -> None:
    """Begins a result and fails."""
    current_job().result_writer().extend(rows(number))
    raise ValueError("no more")


def count_what_is_open() -> list[int]:
    """How many threads and descriptors this process has."""
    return [threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))]


for kind in ("process", "pool"):
    app.task(name=f"leaves open {kind}", executor=kind, attempts=1)(leaves_open)
app.task(name="counts what is open", executor="pool")(count_what_is_open)


@app.task(name="dies in the middle", executor="process", crash_budget=5)
def dies_in_the_middle(number: int) -> None:
    """In its first attempt half of the result is written."""
    with current_job().result_writer() as out:
        out.extend(rows(number // 2))
        out.flush()
        if current_job().attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        out.extend(rows(number)[number // 2 :])


@app.task(name="grows", attempts=1)
def grows(number: int) -> None:
    """Writes ten parts, each when the test has read the one before."""
    with current_job().result_writer() as out:
        for part in range(10):
            out.extend(rows(number)[part * number // 10 : (part + 1) * number // 10])
            out.flush()
            (NOTES / f"written-{part}").touch()
            wait_for(f"read-{part}")


@app.task(name="fails after writing", attempts=1)
def fails_after_writing(number: int) -> None:
    with current_job().result_writer() as out:
        out.extend(rows(number))
        out.flush()
        (NOTES / "written").touch()
        wait_for("read")
        raise ValueError("no more")


@app.task(name="writes too much", executor="process", attempts=1)
def writes_too_much(number: int, most: int) -> list[dict[str, Any]]:
    """Files of this process cannot take more than `most` bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    return [{"noise": os.urandom(50).hex()} for _ in range(number)]


if __name__ == "__main__":
    app.work(burst=True, concurrency=1 if "ONE_BY_ONE" in os.environ else 2)
