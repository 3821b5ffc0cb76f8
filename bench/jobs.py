"""The app of the benchmarks: jobs that do nothing, or only tell when and where they began."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from queuemgr import App, current_job

URL = "QUEUEMGR_BENCH_URL"
NAP, BURN = 0.010, 0.002
"""Seconds for which the one sleeps, and for which the other keeps a processor busy."""

PROMISE = "the job survives the death of every process, and runs again if its worker dies; its end is kept"
PROMISE_FULL = "the same, and once enqueue has returned it survives the loss of power too"


async def nothing(number: int) -> None: ...


def nothing_in_thread(number: int) -> None: ...


async def moment() -> int:
    return time.monotonic_ns()


def moment_in_thread() -> int:
    return time.monotonic_ns()


async def nap() -> None:
    await asyncio.sleep(NAP)


def burn() -> None:
    end = time.thread_time() + BURN
    while time.thread_time() < end:
        pass


async def linger(path: str) -> None:
    """Tells where it runs; its first attempt then ends only with its worker."""
    attempt = current_job().attempt
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()} {attempt} {time.monotonic_ns()}\n")
    if attempt == 1:
        await asyncio.sleep(3600)


def app_on(url: str) -> App:
    app = App(url)
    for function in (nothing, nothing_in_thread, moment, moment_in_thread, nap, burn, linger):
        app.task(function)
    return app


app = app_on(os.environ.get(URL, "sqlite:///bench.db"))
