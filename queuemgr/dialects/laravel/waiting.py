"""Waiting for work without taking anything away: a token of the notify list is seen, and stays for Laravel's workers.

It remembers what a claim left behind, so that jobs which only Laravel can run wake nobody twice.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from queuemgr.errors import StoreError

from .link import translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.clock import Clock

    from .keys import Keys
    from .link import Link, Run

GLANCE = 0.05
WATCH = 2.0


class Waiting:
    def __init__(self, link: Link, keys: Keys, clock: Clock) -> None:
        self._link = link
        self._keys = keys
        self._clock = clock
        self._left: dict[str, bytes] = {}
        self._watches: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[None]]] = WeakKeyDictionary()

    def leaves(self, queue: str, mark: bytes | None) -> None:
        """A claim has seen all of this queue up to the job of this mark; None: it has not seen all."""
        if mark is None:
            self._left.pop(queue, None)
        else:
            self._left[queue] = mark

    async def for_work(self, queues: Sequence[str], timeout: float) -> None:
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            due, tokens = await self._look(queues)
            if due <= 0:
                return
            pause = min(left, due)
            if tokens or not queues:
                # The tokens belong to jobs that are not for us, so they cannot tell when there is another one.
                await asyncio.sleep(min(pause, GLANCE) if queues else pause)
            else:
                await self._watch(queues, pause)

    async def close(self) -> None:
        watches = list(self._watches.pop(asyncio.get_running_loop(), {}).values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    async def _look(self, queues: Sequence[str]) -> tuple[float, bool]:
        """Seconds until there may be something to claim, and whether there are tokens already."""
        runs: list[Run] = []
        for name in queues:
            q = self._keys.queue(name)
            runs.append(("wake", [q.ready, q.notify, q.delayed, q.reserved], []))
        due, tokens = float("inf"), False
        now = self._clock.now()
        for name, (mark, waiting, *moments) in zip(queues, await self._link.runs(runs), strict=True):
            if mark and mark != self._left.get(name):
                return 0.0, True
            due = min([due, *(float(moment) - now for moment in moments if moment)])
            tokens = tokens or waiting > 0
        return due, tokens

    async def _watch(self, queues: Sequence[str], pause: float) -> None:
        loop = asyncio.get_running_loop()
        watches = self._watches.setdefault(loop, {})
        for name in queues:
            if name not in watches or watches[name].done():
                watches[name] = loop.create_task(self._until_token(name), name=f"queuemgr watch {name}")
        chosen = [watches[name] for name in queues]
        await asyncio.wait(chosen, timeout=pause, return_when=asyncio.FIRST_COMPLETED)

    async def _until_token(self, name: str) -> None:
        notify = self._keys.queue(name).notify
        # A token that is moved to where it was is seen and not taken.
        command: tuple[Any, ...] = ("BLMOVE", notify, notify, "LEFT", "LEFT", WATCH)
        with suppress(StoreError), translated():
            await self._link.client.execute_command(*command)
            return
        await asyncio.sleep(GLANCE)
