"""A worker run as a program of its own, so that a test may kill it: PORT, APPNAME, KIND, RAN, SECONDS, COUNT.

Each job appends its number to the file RAN when it begins and when it has ended. After COUNT ends it stops by itself.
QUEUE names another queue than "python", RUNS says how often a job may run. A job with the name "fail" fails.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import redis
import redis.asyncio

from lara_queue import AsyncQueue, Queue

SECONDS = float(os.environ["SECONDS"])
left = int(os.environ["COUNT"])
settings: dict[str, Any] = {
    "queue": os.environ.get("QUEUE", "python"),
    "appname": os.environ["APPNAME"],
    "retry_delay": 0,
    "max_retries": int(os.environ.get("RUNS", "3")),
}
queue: Queue | AsyncQueue


def note(word: str, data: dict[str, Any]) -> None:
    global left  # noqa: PLW0603 - a program of one file
    with Path(os.environ["RAN"]).open("a") as lines:
        lines.write(f"{word} {data['data']['n']}\n")
    left -= word == "ended"
    if left == 0:
        queue.shutdown()
    if data["data"].get("name") == "fail":
        raise ValueError("no such name")


if os.environ["KIND"] == "sync":
    queue = Queue(redis.Redis(port=int(os.environ["PORT"])), **settings)

    @queue.handler
    def handle(data: dict[str, Any]) -> None:
        note("began", data)
        time.sleep(SECONDS)
        note("ended", data)

    queue.listen()
else:
    client = redis.asyncio.Redis(port=int(os.environ["PORT"]))
    queue = AsyncQueue(client, max_concurrent_jobs=3, **settings)

    @queue.handler
    async def handle_soon(data: dict[str, Any]) -> None:
        note("began", data)
        await asyncio.sleep(SECONDS)
        note("ended", data)

    asyncio.run(queue.listen())
