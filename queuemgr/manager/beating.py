"""What the process behind a worker's pulse does (pulse.py). It looks after one worker's leases and runs no jobs."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress

import msgspec

from queuemgr.app import open_store
from queuemgr.errors import StoreError
from queuemgr.pulse import BEATS_IN_A_LEASE, Owner
from queuemgr.store import Store

log = logging.getLogger("queuemgr.pulse")

PAUSE = 0.2


def beat(told: bytes) -> None:
    """Beat until the parent process is dead. `told` is the store's address and who the worker is, as JSON."""
    url, owner = msgspec.json.decode(told, type=tuple[str, Owner])
    asyncio.run(_beat(url, owner))


async def beat_for(store: Store, owner: Owner, dead: asyncio.Event) -> None:
    """Renew the worker's leases until it is dead, then give its jobs back as those of a worker that died."""
    while not dead.is_set():
        try:
            async with asyncio.timeout(store.lease / 2):
                await store.beat(owner.worker, None, life=owner.life)
        except StoreError as error:
            log.warning("the leases of worker %s could not be renewed: %s", owner.worker, error)
        except TimeoutError:
            log.warning("the leases of worker %s could not be renewed: the store does not answer", owner.worker)
        with suppress(TimeoutError):
            async with asyncio.timeout(store.lease / BEATS_IN_A_LEASE):
                await dead.wait()
    with suppress(TimeoutError):
        # Later than that, others have noticed it.
        async with asyncio.timeout(store.lease):
            await _tell(store, owner)


async def _tell(store: Store, owner: Owner) -> None:
    while True:
        try:
            for known in await store.workers():
                # By now a supervisor may have started a worker of the same name: that one lives.
                if (known.id, known.life) == (owner.worker, owner.life):
                    # One that was stopping was ended by whoever stopped it, not by a job.
                    await store.leave(owner.worker, died=known.state != "stopping", life=owner.life)
            return
        except StoreError:
            await asyncio.sleep(PAUSE)


async def _beat(url: str, owner: Owner) -> None:
    dead = asyncio.Event()
    _, pid, _ = owner.life
    with suppress(ProcessLookupError):
        asyncio.get_running_loop().add_reader(os.pidfd_open(pid), dead.set)
    if os.getppid() != pid:
        # It has died before it could be watched, and its number may be somebody else's.
        dead.set()
    store = open_store(url)
    try:
        await beat_for(store, owner, dead)
    finally:
        await store.close()
