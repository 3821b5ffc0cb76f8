"""Looks at the store as a whole, forgets what is over, and brings its tables up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from queuemgr.app import open_store
from queuemgr.errors import NewerStore
from queuemgr.job import State
from queuemgr.service.connecting import load_app
from queuemgr.service.facts import Facts, word_of
from queuemgr.service.failures import NoStore

from .addresses import shown
from .operation import Operation, Scope

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.places import Place
    from queuemgr.service.told import Pruned, StoreFacts
    from queuemgr.store import Migrating, Store


async def store_info(client: AsyncClient) -> StoreFacts:
    """File and size are null where the store is no file."""
    now = client.clock.now()
    queues = await client.queues()
    states = {word_of(state): sum(queue.counts.get(state, 0) for queue in queues) for state in State}
    path: Path | None = getattr(client.store, "path", None)
    return {
        "at": now,
        "url": shown(client.store),
        "file": str(path) if path else None,
        "size": _bytes_of(path) if path else None,
        "jobs": sum(states.values()),
        "states": states,
        "queues": len(queues),
        "workers": sum(worker.alive for worker in await client.workers()),
        "schedules": len(await client.schedules()),
    }


async def prune(client: AsyncClient) -> Pruned:
    """Forget finished jobs whose lifetime is over."""
    total = 0
    while gone := await client.prune():
        total += gone
    return {"pruned": total}


async def migrate(place: Place, *, check: bool) -> Facts:
    """{"url", "before", "after", "needed", "migrated"}; no versions where whoever opens it brings it up to date.

    With `check` nothing is changed, and "after" is what is needed. Raises NoStore, ConfigError, StoreError.
    """
    store = open_store(place.url) if place.url else load_app(place.app or "").aio.store
    facts: Facts = {"url": shown(store), "before": None, "after": None, "needed": False, "migrated": False}
    try:
        if not hasattr(store, "migrate"):
            await _open_unless(check, store)
            return facts
        before, after = await _versions(cast("Migrating", store), check=check)
    finally:
        await store.close()
    behind = before < after
    return facts | {"before": before, "after": after, "needed": behind and check, "migrated": behind and not check}


async def _versions(store: Migrating, *, check: bool) -> tuple[int, int]:
    if not check:
        return await store.migrate()
    before, needed = await store.schema()
    if before > needed:
        raise NewerStore(f"the store is at version {before}, this queuemgr knows {needed}: update queuemgr here")
    return before, needed


async def _open_unless(check: bool, store: Store) -> None:
    path: Path | None = getattr(store, "path", None)
    if path is not None and not path.exists():
        raise NoStore(f"there is no store at {path}", "check the path; the first job or worker creates it, up to date")
    if not check:
        await store.open()


def _bytes_of(path: Path) -> int:
    """The file and what SQLite keeps beside it."""
    files = (path, *(Path(f"{path}{ending}") for ending in ("-wal", "-shm")))
    return sum(file.stat().st_size for file in files if file.exists())


OPERATIONS = (
    Operation("store.info", store_info, Scope.READ, "GET /store", "store info", "the store as a whole"),
    Operation(
        "store.prune",
        prune,
        Scope.ADMINISTER,
        "POST /store/prune",
        "store prune",
        "forget finished jobs whose lifetime is over",
    ),
)
