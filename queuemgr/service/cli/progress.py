"""The progress of jobs that somebody waits for, drawn beside the answer. It waits for nothing itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rich.live import Live

from queuemgr.errors import JobNotFound
from queuemgr.service.facts import job_facts
from queuemgr.service.operations.jobs import resolve

from .page import Column, Table
from .pretty import Terminal, draw_table
from .views.cells import progress_item, state_cell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from queuemgr.client import AsyncClient

    from .page import Item

PAUSE = 0.25
MOST = 10


@asynccontextmanager
async def progress_of(client: AsyncClient, job_ids: Sequence[str]) -> AsyncIterator[None]:
    """While inside, the first jobs are on the terminal; afterwards no trace of them is left."""
    drawing = asyncio.create_task(_draw(client, job_ids[:MOST]))
    try:
        yield
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)


async def _draw(client: AsyncClient, job_ids: Sequence[str]) -> None:
    console = Terminal(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            rows = [row for job_id in job_ids if (row := await _row(client, job_id))]
            columns = [Column("JOB", drop=1), Column("TASK", shrinks=True), Column("STATE"), Column("PROGRESS")]
            live.update(draw_table(Table(columns, rows), console), refresh=True)
            await asyncio.sleep(PAUSE)


async def _row(client: AsyncClient, job_id: str) -> list[Item] | None:
    try:
        record = await client.get(await resolve(client, job_id))
    except JobNotFound:
        return None
    facts = job_facts(record, client.clock.now())
    return [record.id, record.task, state_cell(facts), progress_item(facts)]
