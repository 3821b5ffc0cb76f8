"""Looks at the store as a whole and forgets what is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.service.facts import Facts

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient


async def store_info(client: AsyncClient) -> Facts:
    """{"at", "url", "file", "size", "jobs", "states", "queues", "workers", "schedules"}; no file: null."""
    now = client.clock.now()
    queues = await client.queues()
    states = {state.word: sum(queue.counts.get(state, 0) for queue in queues) for state in State}
    path: Path | None = getattr(client.store, "path", None)
    return {
        "at": now,
        "url": client.store.url,
        "file": str(path) if path else None,
        "size": _bytes_of(path) if path else None,
        "jobs": sum(states.values()),
        "states": states,
        "queues": len(queues),
        "workers": sum(worker.alive for worker in await client.workers()),
        "schedules": len(await client.schedules()),
    }


async def prune(client: AsyncClient) -> Facts:
    """{"pruned"}: how many finished jobs were forgotten because their lifetime is over."""
    total = 0
    while gone := await client.prune():
        total += gone
    return {"pruned": total}


def _bytes_of(path: Path) -> int:
    """The file and what SQLite keeps beside it."""
    files = (path, *(Path(f"{path}{ending}") for ending in ("-wal", "-shm")))
    return sum(file.stat().st_size for file in files if file.exists())
