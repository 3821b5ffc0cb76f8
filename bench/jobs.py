"""The app of the benchmarks: jobs that do nothing, or only tell when and where they began."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from queuemgr import App, current_job

URL = "QUEUEMGR_BENCH_URL"
PROMISE = "the job survives the death of every process, and runs again if its worker dies; its end is kept"
PROMISE_FULL = "the same, and once enqueue has returned it survives the loss of power too"


async def nothing(number: int) -> None: ...


def nothing_in_thread(number: int) -> None: ...


async def moment() -> int:
    return time.monotonic_ns()


def moment_in_thread() -> int:
    return time.monotonic_ns()


async def linger(path: str) -> None:
    """Tells where it runs; its first attempt then ends only with its worker."""
    attempt = current_job().attempt
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()} {attempt} {time.monotonic_ns()}\n")
    if attempt == 1:
        await asyncio.sleep(3600)


def app_on(url: str) -> App:
    app = App(url)
    for function in (nothing, nothing_in_thread, moment, moment_in_thread, linger):
        app.task(function)
    return app


app = app_on(os.environ.get(URL, "sqlite:///bench.db"))
