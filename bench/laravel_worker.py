"""A worker of bench/laravel.py: `laravel_worker.py PORT sync|async JOBS SECONDS`, or `PORT bare`. It says JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import redis

from lara_queue import AsyncQueue, Queue

WARM, LANES = 200, 50


class Course:
    """Counts jobs from the one on at which everything is warm."""

    def __init__(self, jobs: int) -> None:
        self.jobs, self.done, self.running, self.most = jobs, 0, 0, 0
        self.begin = self.end = 0.0
        self.spent = 0.0
        self.memory: list[float] = []

    def one(self) -> bool:
        self.done += 1
        if self.done == WARM:
            self.begin, self.spent = time.perf_counter(), time.process_time()
        if self.done % (self.jobs // 10) == 0:
            self.memory.append(resident())
        self.end = time.perf_counter()
        if self.done == self.jobs:
            self.spent = time.process_time() - self.spent
        return self.done == self.jobs

    def tell(self) -> None:
        rate, cost = (self.jobs - WARM) / (self.end - self.begin), self.spent / (self.jobs - WARM) * 1e6
        print(json.dumps({"rate": rate, "cost": cost, "most": self.most, "memory": self.memory}))


def resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def sync(port: int, jobs: int) -> None:
    course = Course(jobs)
    queue = Queue(redis.Redis(port=port), "default")

    @queue.handler
    def handle(_: dict[str, Any]) -> None:
        if course.one():
            queue.shutdown()

    queue.listen()
    course.tell()


async def asynchronous(port: int, jobs: int, nap: float) -> None:
    course = Course(jobs)
    queue = AsyncQueue(redis.Redis(port=port), "default", max_concurrent_jobs=LANES)

    @queue.handler
    async def handle(_: dict[str, Any]) -> None:
        course.running += 1
        course.most = max(course.most, course.running)
        if nap:
            await asyncio.sleep(nap)
        course.running -= 1
        if course.one():
            queue.shutdown()

    await queue.listen()
    course.tell()


async def bare() -> None:
    """The ceiling: as many tasks that sleep as long, and nothing else."""
    left = 5000

    async def lane() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await asyncio.create_task(asyncio.sleep(0.01))

    begin = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    print(json.dumps({"rate": 5000 / (time.perf_counter() - begin)}))


def main() -> None:
    port, side = int(sys.argv[1]), sys.argv[2]
    if side == "bare":
        asyncio.run(bare())
    elif side == "sync":
        sync(port, int(sys.argv[3]))
    else:
        asyncio.run(asynchronous(port, int(sys.argv[3]), float(sys.argv[4])))


if __name__ == "__main__":
    main()
