"""How many empty jobs the process executors run each second, and how soon a job starts in an idle one.

Run it as `python bench/processes.py [rounds]`. It uses no store: what a worker adds is not measured.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from queuemgr import App, JobContext
from queuemgr.executor import Call
from queuemgr.executors.processes import ProcessExecutor
from queuemgr.job import Lease
from queuemgr.outcome import Done
from queuemgr.task import Task

FRESH, POOLED, STARTS = 400, 5000, 50
AT_ONCE = 16

app = App()


@app.task
def nothing() -> None: ...


@app.task
def moment() -> int:
    return time.monotonic_ns()


class Silent:
    def progress(self, percent: float, note: str | None) -> None: ...

    def output(self, stream: str, text: str) -> None: ...


async def main(rounds: int) -> None:
    fresh, pooled, starts = [], [], []
    for _ in range(rounds):
        fresh.append(await rate("process", FRESH))
        pooled.append(await rate("pool", POOLED))
        starts.extend(await latencies(STARTS))
    print(f"fresh processes  {statistics.median(fresh):8,.0f} jobs/s   {told(fresh)}")
    print(f"pool of 2        {statistics.median(pooled):8,.0f} jobs/s   {told(pooled)}")
    high = statistics.quantiles(starts, n=100)[98]
    print(f"start            {statistics.median(starts):8.2f} ms       99 of 100 within {high:.2f} ms")


async def rate(kind: str, jobs: int) -> float:
    executor = ProcessExecutor("processes:app", size=2)
    await run_all(executor, kind, AT_ONCE)
    began = time.perf_counter()
    await run_all(executor, kind, jobs)
    took = time.perf_counter() - began
    await executor.close()
    return jobs / took


async def run_all(executor: ProcessExecutor, kind: str, jobs: int) -> None:
    calls = iter([call(nothing, kind) for _ in range(jobs)])

    async def work(calls: Iterable[Call]) -> None:
        for one in calls:
            outcome = await executor.run(one)
            assert isinstance(outcome, Done), outcome

    await asyncio.gather(*(work(calls) for _ in range(AT_ONCE)))


async def latencies(jobs: int) -> list[float]:
    """Milliseconds from asking for a fresh process to the first line of the task."""
    executor = ProcessExecutor("processes:app")
    await run_all(executor, "process", 1)
    found = []
    for _ in range(jobs):
        await asyncio.sleep(0.02)
        asked = time.monotonic_ns()
        outcome = await executor.run(call(moment, "process"))
        assert isinstance(outcome, Done), outcome
        found.append((app.codec.decode(outcome.result or b"") - asked) / 1e6)
    await executor.close()
    return found


def call(task: Task[..., Any, Any], kind: str) -> Call:
    lease = Lease(1, "job", task.name, "default", 1, 0, 0, False, None, app.codec.encode([[]]), 0.0)
    context = JobContext(lease.id, lease.task, lease.queue, lease.attempt, Silent())
    return Call(lease, task, replace(task.policy(None), executor=kind), context, app.codec, app.max_result)


def told(values: list[float]) -> str:
    return f"({', '.join(f'{value:,.0f}' for value in values)})"


if __name__ == "__main__":
    import processes  # under the name that the job processes know it by

    asyncio.run(processes.main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
