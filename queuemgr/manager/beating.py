"""The program behind a worker's pulse (pulse.py). It looks after one worker's leases and runs no jobs.

It is told the store's address, the worker's id and the worker's process id on its standard input.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress

import msgspec

from queuemgr.app import open_store
from queuemgr.errors import StoreError
from queuemgr.store import Store

log = logging.getLogger("queuemgr.pulse")

BEATS_IN_A_LEASE = 4
PAUSE = 0.2


async def beat_for(store: Store, worker: str, dead: asyncio.Event) -> None:
    """Renew the worker's leases until it is dead, then give its jobs back as those of a worker that died."""
    while not dead.is_set():
        try:
            async with asyncio.timeout(store.lease / 2):
                await store.beat(worker, None)
        except StoreError as error:
            log.warning("the leases of worker %s could not be renewed: %s", worker, error)
        except TimeoutError:
            log.warning("the leases of worker %s could not be renewed: the store does not answer", worker)
        with suppress(TimeoutError):
            async with asyncio.timeout(store.lease / BEATS_IN_A_LEASE):
                await dead.wait()
    with suppress(TimeoutError):
        # Later than that, others have noticed it.
        async with asyncio.timeout(store.lease):
            await _tell(store, worker)


async def _tell(store: Store, worker: str) -> None:
    while True:
        try:
            return await store.leave(worker, died=True)
        except StoreError:
            await asyncio.sleep(PAUSE)


async def _main(url: str, worker: str, pid: int) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A terminal and a service manager signal whole groups; this process lives exactly as long as its worker.
        signal.signal(signum, signal.SIG_IGN)
    dead = asyncio.Event()
    if os.getppid() == pid:
        asyncio.get_running_loop().add_reader(os.pidfd_open(pid), dead.set)
    else:
        dead.set()
    store = open_store(url)
    try:
        await beat_for(store, worker, dead)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(_main(*msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, str, int])))
