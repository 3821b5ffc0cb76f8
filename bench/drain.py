"""One worker process that empties a queue when it is told to and says how long that took: a part of the others.

`python bench/drain.py ours URL CONCURRENCY`, `python bench/drain.py bare FILE JOBS_AT_ONCE`, or without any queue
`python bench/drain.py naps JOBS CONCURRENCY`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bare import BareQueue
from jobs import app_on, nap, nothing_in_thread


def ours(url: str, concurrency: int) -> Callable[[], object]:
    from queuemgr.runner import run

    app = app_on(url)
    app.client.queues()
    worker = app.worker(concurrency=concurrency, burst=True)
    return lambda: run(worker)


def bare(path: str, most: int) -> Callable[[], object]:
    queue = BareQueue(Path(path))
    tasks = {"nothing": nothing_in_thread}

    def until_empty() -> None:
        while queue.work(tasks, most):
            pass

    return until_empty


def naps(jobs: str, concurrency: int) -> Callable[[], object]:
    """So many coroutines side by side, each of which naps again and again: what an event loop can do at best."""
    left = iter(range(int(jobs)))

    async def go_on() -> None:
        for _ in left:
            await asyncio.create_task(nap())

    async def all_of_them() -> None:
        await asyncio.gather(*(go_on() for _ in range(concurrency)))

    return lambda: asyncio.run(all_of_them())


def main(kind: str, place: str, number: int) -> None:
    drain = {"ours": ours, "bare": bare, "naps": naps}[kind](place, number)
    print("ready", flush=True)
    sys.stdin.readline()
    before, began = os.times(), time.perf_counter()
    drain()
    seconds, after = time.perf_counter() - began, os.times()
    cpu = after.user + after.system - before.user - before.system
    print(json.dumps({"seconds": seconds, "cpu": cpu}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
