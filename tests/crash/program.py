"""A small program with one task for each executor. The crash tests start it, kill it and start it again.

`python program.py enqueue NUMBER` sends jobs, `work` works until nothing is ready, `serve` until it is told to stop,
both with settings such as `grace=0.1`. With `pulse=0` no second process beats for it. Each run leaves its marks in the
file that MARKS names. It decides nothing about its own death.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import queuemgr.worker
from queuemgr import App, current_job

app = App(os.environ["STORE"])


def mark(word: str) -> None:
    """One line in the file of marks: word, job, attempt, process, nanoseconds of the machine's clock."""
    job = current_job()
    line = f"{word} {job.id} {job.attempt} {os.getpid()} {time.monotonic_ns()}\n"
    marks = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(marks, line.encode())
    os.close(marks)


def first(seconds: float) -> float:
    """The first attempt takes so long, the others no time."""
    return seconds if current_job().attempt == 1 else 0.0


def sleep_breakably(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


@app.task(name="async")
async def run_async(hang: float = 0.0) -> str:
    mark("start")
    await asyncio.sleep(first(hang))
    mark("end")
    return "well done"


def run_blocking(hang: float = 0.0) -> str:
    mark("start")
    sleep_breakably(first(hang))
    mark("end")
    return "well done"


for kind in ("thread", "process", "pool"):
    app.task(name=kind, executor=kind)(run_blocking)


@app.task(name="shoot", crash_budget=3)
def shoot() -> None:
    """Brings its process down, every time: in a thread of the worker, the worker itself."""
    mark("start")
    os.kill(os.getpid(), signal.SIGKILL)


def shoot_once(times: int) -> str:
    """Brings its process down in its first attempts."""
    mark("start")
    if current_job().attempt <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    mark("end")
    return "well done"


app.task(name="shoot process", executor="process")(shoot_once)
app.task(name="shoot pool", executor="pool")(shoot_once)


@app.task(name="hold the GIL")
def hold_the_gil(seconds: int) -> str:
    """Nothing else in this process runs meanwhile, the event loop neither."""
    mark("start")
    ctypes.PyDLL(None).sleep(seconds)
    mark("end")
    return "well done"


@app.task(name="block the loop")
async def block_the_loop(seconds: int) -> str:
    mark("start")
    time.sleep(seconds)
    mark("end")
    return "well done"


@app.task(name="sit in C")
def sit_in_c(seconds: float) -> str:
    """Nothing can be raised in its thread meanwhile."""
    mark("start")
    time.sleep(first(seconds))
    mark("end")
    return "well done"


class NoPulse:
    """For a worker that dies together with its pulse."""

    def __init__(self, *about: object) -> None: ...

    def keep(self) -> None: ...

    stop = keep


@app.task(name="wait for go")
def wait_for_go() -> str:
    """Until there is a file of this name."""
    mark("start")
    while not Path("go").exists():
        time.sleep(0.005)
    mark("end")
    return "well done"


def enqueue(number: int) -> None:
    task: Any = app.tasks["async"]
    app.client.enqueue_many([task.call() for _ in range(number)])


def main(arguments: list[str]) -> None:
    logging.basicConfig(level=logging.INFO)
    settings: dict[str, Any] = {}
    for argument in arguments[1:]:
        name, equals, value = argument.partition("=")
        if equals:
            settings[name] = float(value) if name == "grace" else int(value)
    if not settings.pop("pulse", 1):
        queuemgr.worker.Pulse = NoPulse  # type: ignore[attr-defined,assignment]
    match arguments[0]:
        case "enqueue":
            enqueue(int(arguments[1]))
        case "work":
            app.work(burst=True, **settings)
        case "serve":
            app.work(**settings)


if __name__ == "__main__":
    main(sys.argv[1:])
