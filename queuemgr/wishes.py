"""What somebody asks of a worker from elsewhere: to take no new jobs, to go on, to stop. It waits in the store.

A wish is for one life of one worker: a namesake that comes later does not find it. It starts and ends no job.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from .errors import StoreError
from .liveness import birth_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .store import Store, WorkerInfo

log = logging.getLogger("queuemgr.worker")

LOOK = 2.0
"""Seconds from one look at the store to the next."""
KEPT = 3600.0
"""Seconds after which a wish that nobody read is forgotten: its worker is dead."""
TRIES = 5


class Wish(StrEnum):
    QUIET = "quiet"
    RESUME = "resume"
    STOP = "stop"


class Asked(msgspec.Struct, frozen=True):
    """`grace` as in `Worker.stop`."""

    wish: Wish
    pid: int
    birth: int
    grace: float | None = None


async def wish(store: Store, worker: WorkerInfo, what: Wish, grace: float | None = None) -> None:
    """Ask it of the worker, instead of what was asked before and not read yet. Raises StoreError."""
    key, value = _key(worker.id), msgspec.json.encode(Asked(what, worker.pid, worker.birth, grace))
    for _ in range(TRIES):
        if await store.key_put_if_absent(key, value, KEPT):
            return
        unread = await store.key_get(key)
        if unread is not None:
            await store.key_remove_if(key, unread)
    raise StoreError(f"worker {worker.id} is asked for several things at once: try again")


@dataclass(slots=True)
class Wishes:
    """A worker's own side. `wake` makes it look at `quiet` again; `dismissed` is whether it was asked to stop."""

    store: Store
    worker: str
    wake: Callable[[], None]
    stop: Callable[[float | None], None]
    quiet: bool = False
    dismissed: bool = False
    _looked: float = float("-inf")
    _untold: bool = False

    async def heed(self, *, stopping: bool) -> None:
        """Do what is asked, if it is time to look. One that is `stopping` can only be hurried. Raises StoreError."""
        now = self.store.clock.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        match await self._next():
            case Asked(Wish.STOP, grace=grace):
                log.info("asked to stop: no new jobs, running ones may end")
                self.dismissed = True
                self.stop(grace)
            case Asked(what) if not stopping:
                self.quiet = what is Wish.QUIET
                self._untold = True
                log.info("asked to be quiet: no new jobs" if self.quiet else "asked to go on")
                self.wake()
        if self._untold and not stopping:
            await self.store.beat(self.worker, "quiet" if self.quiet else "running")
            self._untold = False

    async def _next(self) -> Asked | None:
        """What is asked of this worker, taken out of the store; what was asked of a dead namesake is only forgotten."""
        value = await self.store.key_get(_key(self.worker))
        if value is None:
            return None
        await self.store.key_remove_if(_key(self.worker), value)
        try:
            asked = msgspec.json.decode(value, type=Asked)
        except msgspec.DecodeError:
            log.warning("what is asked of this worker cannot be read: %.80r", value)
            return None
        return asked if (asked.pid, asked.birth) == _this_process() else None


def _this_process() -> tuple[int, int]:
    return os.getpid(), birth_of(os.getpid()) or 0


def _key(worker: str) -> str:
    return f"queuemgr.wish:{worker}"
