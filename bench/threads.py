"""Measures how many jobs that do nothing pass ThreadExecutor alone: `python bench/threads.py [jobs]`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from queuemgr.codec import Codec
from queuemgr.context import JobContext
from queuemgr.executor import Call
from queuemgr.executors.threads import ThreadExecutor
from queuemgr.job import Lease
from queuemgr.options import DEFAULT_POLICY, Options
from queuemgr.task import Task

IN_FLIGHT = 50


class Nobody:
    def progress(self, percent: float, note: str | None) -> None: ...

    def output(self, stream: str, text: str) -> None: ...


def nothing(number: int) -> None: ...


def make_call(number: int, codec: Codec, task: Task[..., Any, Any], nobody: Nobody) -> Call:
    lease = Lease(number, str(number), task.name, "default", 1, 0, 0, False, None, b"[[1]]", 0.0)
    context = JobContext(lease.id, task.name, lease.queue, lease.attempt, nobody)
    return Call(lease, task, DEFAULT_POLICY, context, codec, 1 << 20)


async def measure(size: int, jobs: int) -> float:
    task: Task[..., Any, Any] = Task("bench.nothing", nothing, Options(), None)  # type: ignore[arg-type]
    codec, nobody = Codec(), Nobody()
    executor = ThreadExecutor(size)
    await executor.open()
    calls = iter([make_call(number, codec, task, nobody) for number in range(jobs)])

    async def serve() -> None:
        for call in calls:
            await executor.run(call)

    start = time.perf_counter()
    await asyncio.gather(*(serve() for _ in range(IN_FLIGHT)))
    seconds = time.perf_counter() - start
    await executor.close()
    return jobs / seconds


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for size in (1, 4, 8, 32, 50):
        rate = max(asyncio.run(measure(size, jobs)) for _ in range(3))
        print(f"{size:3} threads, {IN_FLIGHT} in flight: {rate:9,.0f} jobs/s")


if __name__ == "__main__":
    main()
