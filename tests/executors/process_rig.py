"""Calls for process executors, an executor that is closed again, and a look at what lives. Holds no test."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from queuemgr.context import JobContext
from queuemgr.executor import Call
from queuemgr.executors.processes import ProcessExecutor
from queuemgr.job import Lease
from tests.executors.calls import Heard
from tests.executors.process_tasks import app

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from queuemgr.outcome import Outcome
    from queuemgr.task import Task

T = TypeVar("T")

APP = "tests.executors.process_tasks:app"
PATIENCE = 60.0
_keys = itertools.count(1)


def make(
    task: Task[..., Any, Any] | str,
    *args: Any,
    kind: str = "process",
    heard: Heard | None = None,
    data: bytes | None = None,
    named: dict[str, Any] | None = None,
    **policy: Any,
) -> Call:
    """A first attempt at `task(*args, **named)`; `data` are other argument bytes than those."""
    found = app.tasks["tests.executors.process_tasks.nothing"] if isinstance(task, str) else task
    name = task if isinstance(task, str) else task.name
    found.prepare()
    key = next(_keys)
    encoded = app.codec.encode([list(args), named or {}]) if data is None else data
    lease = Lease(key, f"job-{key}", name, "default", 1, 0, 0, False, None, encoded, 0.0)
    context = JobContext(lease.id, name, lease.queue, lease.attempt, heard or Heard())
    return Call(lease, found, replace(found.policy(None), executor=kind, **policy), context, app.codec, app.max_result)


def use(body: Callable[[ProcessExecutor], Awaitable[T]], app_path: str = APP, **settings: Any) -> T:
    """What `body` makes of an executor, which is open while it does."""

    async def main() -> T:
        executor = ProcessExecutor(app_path, **settings)
        await executor.open()
        try:
            async with asyncio.timeout(60):
                return await body(executor)
        finally:
            await executor.close()

    return asyncio.run(main())


def run(call: Call, **settings: Any) -> Outcome:
    return use(lambda executor: executor.run(call), **settings)


def run_all(*calls: Call, **settings: Any) -> list[Outcome]:
    """One after the other, in one executor."""

    async def body(executor: ProcessExecutor) -> list[Outcome]:
        return [await executor.run(call) for call in calls]

    return use(body, **settings)


def value(outcome: Outcome) -> Any:
    """What the task returned."""
    return app.codec.decode(getattr(outcome, "result", None) or b"null")


async def until(met: Callable[[], T]) -> T:
    """What `met` returns as soon as that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := met()):
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.005)
    return found


async def began(note: Path) -> list[psutil.Process]:
    """The processes that a task named in its note, once it has."""
    words = await until(lambda: note.exists() and note.read_text().startswith("began") and note.read_text().split())
    return [psutil.Process(int(word)) for word in words[1:]] if words else []


async def gone(processes: list[psutil.Process]) -> None:
    await until(lambda: not any(map(lives, processes)))


def lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def below(pid: int | None = None) -> list[psutil.Process]:
    """All living descendants."""
    return [process for process in psutil.Process(pid).children(recursive=True) if lives(process)]
