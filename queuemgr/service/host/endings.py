"""Who waits for the end of which job of the service. A thousand that wait cost no more than one. It asks no store."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from queuemgr.job import State


class Endings:
    """Those that wait in one event loop, by the ids of their jobs."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[State | None]]] = {}

    @contextmanager
    def next_of(self, job_id: str) -> Iterator[asyncio.Future[State | None]]:
        """Done as soon as the job may have ended since the context began; its result is the state, if that is known."""
        waiter: asyncio.Future[State | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            waiting = self._waiting.get(job_id)
            if waiting is not None:
                waiting.discard(waiter)
                if not waiting:
                    del self._waiting[job_id]

    def ring(self, ids: Iterable[str] | None, state: State | None = None) -> None:
        """These may have ended, or have in that `state`; None stands for all."""
        for job_id in list(self._waiting) if ids is None else ids:
            for waiter in self._waiting.get(job_id, ()):
                if not waiter.done():
                    waiter.set_result(state)
