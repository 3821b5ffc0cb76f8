"""Tasks that end badly, each in its own way."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from queuemgr import App, Cancel
from queuemgr.client import AsyncClient
from queuemgr.codec import Codec

URL = "QUEUEMGR_TEST_WHY_URL"
app = App(os.environ.get(URL, "sqlite:///never-opened.db"), attempts=1)


def app_at(url: str) -> App:
    """The app of this module, with another store; processes of its own are forked and need none."""
    from functools import partial

    from queuemgr.app import open_store
    from queuemgr.client import Client

    app.url = url
    app.aio = AsyncClient(partial(open_store, url, None), Codec(), app._learn, app.results)
    app.client = Client(app.aio, 1024 * 1024)
    for task in app.tasks:
        task._sender = app.client
    return app


@app.task(name="fails")
def fails() -> None:
    raise RuntimeError("it broke")


@app.task(name="slow", timeout=0.2, executor="process")
def slow() -> None:
    time.sleep(60)


@app.task(name="greedy", memory_limit=128 * 1024 * 1024, executor="process")
def greedy() -> int:
    return len(bytearray(1024 * 1024 * 1024))


@app.task(name="unkeepable")
def unkeepable() -> Any:
    return object()


@app.task(name="killed", executor="process", crash_budget=1)
def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="leaves", executor="process", crash_budget=1)
def leaves() -> None:
    os._exit(3)


@app.task(name="gives_up")
async def gives_up() -> Any:
    return Cancel("nothing to do")
