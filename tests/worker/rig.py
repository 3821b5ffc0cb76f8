"""A worker on a store of its own, in the test's process. It kills nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from queuemgr import App
from queuemgr.job import JobRecord, State
from queuemgr.worker import Worker

PATIENCE = 60.0


def run(scene: Callable[[], Any]) -> Any:
    return asyncio.run(asyncio.wait_for(scene(), 60))


@asynccontextmanager
async def working(app: App, **settings: Any) -> AsyncIterator[Worker]:
    """As `beside`; the store is closed in the end."""
    try:
        async with beside(app, **settings) as worker:
            yield worker
    finally:
        await app.aio.store.close()


@asynccontextmanager
async def beside(app: App, **settings: Any) -> AsyncIterator[Worker]:
    """A worker that runs beside the test's own code and is stopped at the end."""
    worker = app.worker(**settings)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


async def drain(app: App, **settings: Any) -> None:
    """Work until nothing is ready or running."""
    try:
        await app.worker(burst=True, **settings).run()
    finally:
        await app.aio.store.close()


async def ended(app: App, job_id: str) -> JobRecord:
    state = await app.aio.store.wait_finished(job_id, PATIENCE)
    assert state is not None, f"job {job_id} did not end: {await app.aio.get(job_id)}"
    return await app.aio.get(job_id)


async def until(condition: Callable[[], Any]) -> None:
    """Turn the loop over until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def in_state(app: App, job_id: str, state: State) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await app.aio.get(job_id)).state is not state:
            await asyncio.sleep(0.01)
