"""Who waits for the end of which job of the service. A thousand that wait cost no more than one. It asks no store."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from queuemgr.result import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from queuemgr.job import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job that ended well, as far as its flat record goes. `result` is what the store holds of it."""

    id: str
    task: str
    state: State
    created_at: float
    started_at: float | None
    finished_at: float | None
    progress: float | None
    note: str | None
    result: bytes | None
    error: dict[str, Any] | None = None

    @property
    def result_size(self) -> int | None:
        reference = Reference.read(self.result)
        size = None if self.result is None else len(self.result)
        return size if reference is None else reference.size


class Endings:
    """Those that wait in one event loop, by the ids of their jobs."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[Ended | State | None]]] = {}

    @contextmanager
    def next_of(self, job_id: str) -> Iterator[asyncio.Future[Ended | State | None]]:
        """Done as soon as the job may have ended since the context began; its result is what is known of that."""
        waiter: asyncio.Future[Ended | State | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            waiting = self._waiting.get(job_id)
            if waiting is not None:
                waiting.discard(waiter)
                if not waiting:
                    del self._waiting[job_id]

    def are_awaited(self, job_id: str) -> bool:
        return job_id in self._waiting

    def ring(self, ids: Iterable[str] | None, ended: Ended | State | None = None) -> None:
        """These may have ended, or have as it is `ended`; None stands for all."""
        for job_id in list(self._waiting) if ids is None else ids:
            for waiter in self._waiting.get(job_id, ()):
                if not waiter.done():
                    waiter.set_result(ended)
