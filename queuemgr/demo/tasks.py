"""The tasks of the demo, and a model of how a program declares its own. The work is real, its pace is staged."""

from __future__ import annotations

import os
import time

from queuemgr import App, Backoff, current_job, track

from .reading import Digest, Pieces, Reading, read_file

STORE = "QUEUEMGR_STORE"
GONE = (FileNotFoundError, PermissionError)

app = App(os.environ.get(STORE, "sqlite:///queuemgr-demo.db"), never_retry_on=GONE)


@app.task(queue="files")
def read(path: str | bytes) -> Reading:
    """One job for one file. A file that is gone would be gone at the next attempt, too: such a job is dead at once."""
    return read_file(path)


@app.task(queue="files")
def read_slowly(path: str | bytes, seconds: float) -> Reading:
    """A large file, read in steps: it says how far it is, and rests between them so that there is something to see."""
    digest, pieces = Digest(), Pieces(path, number=40)
    for piece in track(pieces):
        digest.add(piece)
        time.sleep(seconds / len(pieces))
    return digest.reading()


@app.task(queue="fragile", priority=9, attempts=3, backoff=Backoff("fixed", base=1.0))
def read_at_second_try(path: str | bytes) -> Reading:
    """Fails once, as a network drive might. It raises, and the queue tries again a second later."""
    if current_job().attempt == 1:
        raise ConnectionError("the first attempt of this job always fails")
    return read_file(path)


@app.task(queue="pulse")
async def beat() -> float:
    """A coroutine, started every second by a schedule; its result is how busy the machine is."""
    return os.getloadavg()[0]
