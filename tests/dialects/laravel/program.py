"""A worker in Python for a job of Laravel's, run as a program of its own so that a test may kill it.

It is told the store, the file, and how a job runs by its environment: STORE, RAN, SECONDS, EXECUTOR.
Each job appends its number to the file when it begins and when it has ended.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from queuemgr.app import App
from queuemgr.runner import run

app = App(os.environ["STORE"])
executor = os.environ.get("EXECUTOR", "thread")


def note(word: str, number: int) -> None:
    with Path(os.environ["RAN"]).open("a") as lines:
        lines.write(f"{word} {number}\n")


def greet(n: int, **_: object) -> None:
    note("began", n)
    time.sleep(float(os.environ["SECONDS"]))
    note("ended", n)


async def greet_slowly(n: int, **_: object) -> None:
    greet(n)


task = app.task(name="App\\Jobs\\Greet", executor=executor)(greet_slowly if executor == "async" else greet)


if __name__ == "__main__":
    run(app.worker({"default": 1}, burst=True, concurrency=2))
