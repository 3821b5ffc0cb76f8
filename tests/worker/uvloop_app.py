"""An app whose every event loop is uvloop's, with a client of its own. Import it in processes of their own only."""

from __future__ import annotations

import asyncio
import json
import os
import warnings
from pathlib import Path

import uvloop

from queuemgr import App

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.14 on
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

app = App(os.environ["STORE"], attempts=1)


@app.task
async def in_the_loop() -> str:
    await asyncio.sleep(0.001)
    return type(asyncio.get_running_loop()).__module__


in_a_thread = app.task(name="in_a_thread", executor="thread")(in_the_loop.function)
in_a_process = app.task(name="in_a_process", executor="process")(in_the_loop.function)
in_the_pool = app.task(name="in_the_pool", executor="pool")(in_the_loop.function)


@app.task
async def holds(begun: str, free: str) -> None:
    Path(begun).touch()
    while not Path(free).exists():
        await asyncio.sleep(0.01)


@app.task(timeout=0.2)
async def spins() -> None:
    async def for_ever() -> None:
        while True:
            pass

    await asyncio.create_task(for_ever())


def ask() -> None:
    """Print which loop each kind of task met, and which one a client meets."""
    tasks = in_the_loop, in_a_thread, in_a_process, in_the_pool
    told = [[task.enqueue().result(60) for task in tasks] for _ in range(5)]
    told.append(asyncio.run(_awaited()))
    print(json.dumps(told))


async def _awaited() -> list[str]:
    handle = await app.aio.enqueue(in_the_loop.call())
    return [await handle.result(60), type(asyncio.get_running_loop()).__module__]
