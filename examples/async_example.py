"""Handles jobs of a Laravel queue many at a time: `python examples/async_example.py [redis://localhost:6379]`.

It pushes a few jobs itself, handles them side by side, and ends; a worker of your own would leave out the counting.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import redis.asyncio

from lara_queue import AsyncQueue

JOBS, AT_ONCE = 20, 10


async def main(url: str) -> None:
    client = redis.asyncio.from_url(url)
    queue = AsyncQueue(client, queue="async_example", max_concurrent_jobs=AT_ONCE)
    done: list[str] = []

    @queue.handler
    async def handle(data: dict[str, Any]) -> None:
        await asyncio.sleep(0.1)  # a request over the network, say
        done.append(data["data"]["message"])
        if len(done) == JOBS:
            queue.shutdown()

    for number in range(JOBS):
        await queue.push("App\\Jobs\\EmailJob", {"message": f"mail {number}"})
    began = time.monotonic()
    await queue.listen()
    print(f"{len(done)} jobs of 0.1 s each took {time.monotonic() - began:.1f} s, {AT_ONCE} at once")
    await client.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "redis://localhost:6379"))
