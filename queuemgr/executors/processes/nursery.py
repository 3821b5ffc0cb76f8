"""Keeps a zygote running, and the register of the children that it forked. It knows nothing of queues and jobs."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queuemgr.context import refuse_while_importing
from queuemgr.outcome import Crashed, Failed, GivenBack, Outcome

from .children import Child, Ending
from .frames import PACKET, Broken, Config, Exited, Fork, Forked, Ready, Signal, Unforked
from .link import Link, how_it_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .children import Keeper
    from .frames import News

log = logging.getLogger("queuemgr.worker")

FIRST_PAUSE = 1.0  # seconds before another zygote is started for one that did not get ready
LONGEST_PAUSE = 60.0
LONGEST_IMPORT = 60.0  # seconds that the app may take before they count as the time of the jobs that wait for it
STEADY = 10.0  # seconds after which a zygote that dies is taken for a single accident


class Nursery:
    """Forks children of the app, "module:name". The zygote is started with the first of them."""

    def __init__(self, app: str, preload: Sequence[str], keeper: Keeper) -> None:
        self._app = app
        self._preload = tuple(preload)
        self._keeper = keeper
        self._link: Link | None = None
        self._children: dict[int, Child] = {}
        self._numbers = itertools.count(1)
        self._buffer = memoryview(bytearray(PACKET))
        self._closing = False
        self._accidents = 0
        self._pause_until = 0.0
        self._trouble: Failed | None = None
        self._error: dict[str, Any] | None = None

    @property
    def ready(self) -> bool:
        """Whether orders are carried out at once."""
        return self._link is not None and self._link.ready

    def trouble(self) -> Failed | None:
        """Why there can be no children just now."""
        if self._link is None and asyncio.get_running_loop().time() < self._pause_until:
            return self._trouble
        return None

    def open(self) -> Link:
        """Start the zygote unless it runs. Raises OSError, and RuntimeError within one."""
        if self._link is None:
            refuse_while_importing()
            self._error, self._closing = None, False
            config = Config(self._app, self._preload, sys.argv, str(Path.cwd()), os.getpid())
            self._link = Link(config, self._take, self._end)
        return self._link

    async def begun(self) -> bool:
        """Start the zygote, and wait until it has imported the app; False where it cannot. Raises OSError."""
        return await asyncio.shield(self.open().begun)

    def defer(self, seconds: float, action: Callable[[], None]) -> bool:
        """Call `action` so many seconds after the app was imported; False where it is, or will hardly ever be."""
        loop, link = asyncio.get_running_loop(), self._link
        if link is None or link.ready or loop.time() >= link.started_at + LONGEST_IMPORT:
            return False
        late = loop.call_at(link.started_at + LONGEST_IMPORT, action)

        def begins(_: asyncio.Future[bool]) -> None:
            late.cancel()
            loop.call_later(seconds, action)

        link.begun.add_done_callback(begins)
        return True

    def spawn(self) -> Child:
        """A child that can be given a job at once, even before it is forked. Raises OSError."""
        link = self.open()
        return Child(next(self._numbers), self._keeper, self._buffer, partial(self._fork, link))

    def send(self, child: Child, number: int, alone: bool = False) -> None:
        """Send a signal to a child's process group, or to it `alone`, unless it has ended."""
        if self._link is not None and child.number in self._children:
            self._link.send(Signal(child.number, number, alone))

    def forget(self, child: Child) -> None:
        """Have nothing more to do with a child that is not even forked."""
        self.send(child, signal.SIGKILL)
        if self._children.pop(child.number, None) is not None:
            child.gone(Ending(signal.SIGKILL))

    async def close(self, patience: float) -> None:
        """End the zygote and all children."""
        self._closing = True
        if self._link is not None:
            await self._link.close(patience)

    def _fork(self, link: Link, child: Child, descriptors: list[int]) -> None:
        self._children[child.number] = child
        link.send(Fork(child.number), descriptors)

    def _take(self, news: News) -> None:
        match news:
            case Ready(threads) if threads:
                log.warning(
                    "importing %s started %d threads; a forked process lacks them, but has a copy of their locks: "
                    "start threads in the tasks that need them",
                    *(self._app, threads),
                )
            case Broken(error):
                self._error = error
            case Forked(number, pid) if number in self._children:
                self._children[number].pid = pid
            case Unforked(number, error):
                self._bury(number, Ending(outcome=_failed(error, "no process can be started for it")))
            case Exited(number, status, peak_memory):
                self._bury(number, Ending(status, peak_memory))
            case _:
                pass

    def _bury(self, number: int, ending: Ending) -> None:
        child = self._children.pop(number, None)
        if child is not None:
            child.gone(ending)

    def _end(self, status: int) -> None:
        """The zygote has ended, and its children with it."""
        link, self._link = self._link, None
        assert link is not None
        if not self._closing:
            self._note_accident(link, status)
        left, self._children = self._children, {}
        for child in left.values():
            if child.pid is not None:
                # What it started itself did not die with the zygote.
                with suppress(OSError):
                    os.killpg(child.pid, signal.SIGKILL)
        for child in left.values():
            child.gone(Ending(signal.SIGKILL, outcome=self._outcome_for(child, link.ready, status)))

    def _outcome_for(self, child: Child, ready: bool, status: int) -> Outcome | None:
        if not ready:
            return self._trouble
        if child.pid is None:
            return GivenBack("the process that it was to be forked from ended")
        words = f"the process that it was forked from {how_it_ended(status)}, and its own with that"
        return Crashed({"type": "queuemgr.errors.Killed", "message": words}, "SIGKILL")

    def _note_accident(self, link: Link, status: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - link.started_at > STEADY:
            self._accidents = 0
        self._accidents += 1
        # One that was ready may be started anew at once, but not time and again.
        doublings = self._accidents - (2 if link.ready else 1)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(doublings, 30)) if doublings >= 0 else 0.0
        self._pause_until = now + pause
        error = self._error or {"type": "queuemgr.errors.Killed", "message": f"it {how_it_ended(status)}"}
        what = "that is to fork its process died" if link.ready else "that imports it for job processes failed"
        self._trouble = _failed(error, f"the process of the app {self._app!r} {what}; next try in {pause:g} s")
        log.error("%s", self._trouble.error["message"])


def _failed(error: dict[str, Any], words: str) -> Failed:
    said = f"{words}: {error['type']}: {error['message']}"
    return Failed({**error, "message": said}, (error["type"], "builtins.Exception"))
