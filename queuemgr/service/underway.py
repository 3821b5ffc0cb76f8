"""Changes under way: each is carried through though whoever asked for it has gone, until the server stops.

It knows nothing of what is changed.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .failures import CutOff

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)
T = TypeVar("T")

HEARD = 0.1
"""Seconds in which it is heard that somebody has gone: what comes in his stead may be here first."""

LAST = 3.5
"""Seconds that changes have to end when the server stops: fewer than requests have, so that these can tell of it."""


@dataclass(slots=True, eq=False)
class _Change:
    """`waiting` is how many wait for what the task answers."""

    asked: object
    task: asyncio.Task[Any]
    waiting: int = 0


class Underway:
    """All changes of one event loop."""

    def __init__(self) -> None:
        self.stopping = False
        self._changes: list[_Change] = []

    async def carry(self, asked: object, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work` answers. It goes on where whoever asked is cancelled.

        What nobody waits for any more is not begun a second time where the same is `asked` again: a proxy that cut the
        request may have sent it anew. None is never the same. Raises CutOff where the server stops.
        """
        if self.stopping:
            raise CutOff("the server is about to stop: nothing was begun", "ask again once it runs")
        if asked is not None and any(one.waiting for one in self._like(asked)):
            await asyncio.sleep(HEARD)
        left = next((one for one in self._like(asked) if asked is not None and not one.waiting), None)
        change = left or self._begin(asked, work)
        change.waiting += 1
        try:
            answer: T = await asyncio.shield(change.task)
            return answer
        finally:
            change.waiting -= 1

    def stop(self) -> None:
        """Begin nothing more; what has not ended after LAST seconds is cut off."""
        if not self.stopping:
            self.stopping = True
            asyncio.get_running_loop().call_later(LAST, self._cut)

    async def close(self) -> None:
        """`stop`, and return when nothing is under way any more."""
        self.stop()
        while self._changes:
            await asyncio.wait([change.task for change in self._changes])

    def _like(self, asked: object) -> list[_Change]:
        return [one for one in self._changes if one.asked == asked]

    def _begin(self, asked: object, work: Callable[[], Coroutine[Any, Any, Any]]) -> _Change:
        change = _Change(asked, asyncio.get_running_loop().create_task(work(), name="queuemgr change"))
        self._changes.append(change)

        def end(task: asyncio.Task[Any]) -> None:
            self._changes.remove(change)
            error = None if task.cancelled() else task.exception()
            if error is not None and not change.waiting:
                log.warning("a change failed after whoever asked for it had gone: %s", error)

        change.task.add_done_callback(end)
        return change

    def _cut(self) -> None:
        for change in self._changes:
            change.task.cancel()
