"""Runs each "process" job in a fresh process and each "pool" job in one that is used again. It judges no outcome."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from queuemgr.errors import ConfigError
from queuemgr.executor import Why, describe, names_of, stopped
from queuemgr.outcome import Failed, GivenBack, Outcome

from .children import Run
from .frames import STACK
from .nursery import Nursery
from .output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuemgr.executor import Call

    from .children import Child

OUTPUT = 256 * 1024
IDLE = 30.0  # seconds after the last job in which processes that were forked ahead end
PATIENCE = 5.0  # seconds that the end of a process may take, once it must end


class ProcessExecutor:
    """Runs calls whose policy says "process" or "pool"; both are forked from one small process with the app imported.

    Parameters: `app_path` is "module:name" of the App; `size` is the most processes in the pool, by default one for
    each CPU; `preload` names modules to import before the first fork; `spare` fresh processes are forked ahead once
    the first was used, and end when nobody needs one for a while; a stopped run may end by itself for `notice` seconds,
    gets SIGTERM then, and is killed `grace` seconds after that; a pooled process ends after `max_tasks_per_child` jobs;
    `output_limit` bytes of what a run prints are passed on; with `warm`, `open` starts the app's process instead of the
    first job; `on_fit` is told the names of tasks whose modules may be imported before the fork. Raises ConfigError.
    """

    def __init__(
        self,
        app_path: str,
        *,
        size: int | None = None,
        preload: Sequence[str] = (),
        spare: int = 2,
        notice: float = 0.0,
        grace: float = 5.0,
        max_tasks_per_child: int | None = None,
        output_limit: int = OUTPUT,
        warm: bool = False,
        on_fit: Callable[[str], None] | None = None,
    ) -> None:
        if not hasattr(os, "pidfd_open"):
            raise ConfigError("job processes need Linux: choose executor='thread' here")
        module, _, name = app_path.partition(":")
        if not module or not name:
            raise ConfigError(f"the app of job processes must be given as 'module:name', not {app_path!r}")
        self._size = (os.cpu_count() or 1) if size is None else size
        most_jobs = 1 if max_tasks_per_child is None else max_tasks_per_child
        if min(self._size, most_jobs) < 1 or min(spare, notice, grace) < 0:
            raise ConfigError("size and max_tasks_per_child must be at least 1, spare, notice and grace at least 0")
        self._nursery = Nursery(app_path, preload, self)
        self._spare = spare
        self._notice = notice
        self._grace = grace
        self._most_jobs = max_tasks_per_child
        self._output_limit = output_limit
        self._warm = warm
        self._on_fit = on_fit
        self._runs: dict[Call, Run] = {}
        self._spares: deque[Child] = deque()
        self._pool: set[Child] = set()
        self._idle: deque[Child] = deque()
        self._waiting: deque[Run] = deque()
        self._topping = False
        self._used = 0.0
        self._resting: asyncio.TimerHandle | None = None
        self._closed = False

    async def open(self) -> None:
        """Raises OSError where `warm` is set and no process can be started."""
        self._closed = False
        if self._warm:
            self._nursery.open()

    async def begun(self) -> bool:
        """Whether the app could be imported, once that is known; then processes are forked ahead. Raises OSError."""
        if await self._nursery.begun() and not self._closed:
            self._top_up()
        return self._nursery.ready

    async def close(self) -> None:
        """Stop whatever still runs, for at most `grace` seconds gently, and end every process."""
        self._closed = True
        if self._resting is not None:
            self._resting.cancel()
        for call in list(self._runs):
            self.stop(call, Why.STOP, notice=0.0)
        if self._runs:
            await asyncio.wait([run.ended for run in self._runs.values()], timeout=self._grace + PATIENCE)
        await self._nursery.close(PATIENCE)

    async def run(self, call: Call) -> Outcome:
        """Run it to its end. Where it is cancelled it stops the process, but does not wait for that."""
        if call.why is not None:
            return stopped(call, "before it began")
        if self._closed:
            return GivenBack()
        output = Output(call.context, self._output_limit)
        run = self._runs[call] = Run(call, output, asyncio.get_running_loop().create_future())
        run.ended.add_done_callback(lambda _: self._runs.pop(call))
        self._begin(run)
        try:
            outcome = await asyncio.shield(run.ended)
        except asyncio.CancelledError:
            self.interrupt(call, Why.STOP)
            raise
        if run.fit and self._on_fit is not None:
            self._on_fit(call.lease.task)
        return outcome

    def interrupt(self, call: Call, why: Why) -> None:
        """Stop the run, which always works. The first `why` counts."""
        self.stop(call, why)

    def stop(self, call: Call, why: Why, notice: float | None = None, grace: float | None = None) -> None:
        """`interrupt`, with other times than usual; a run that is out of time gets no notice."""
        notice = 0.0 if why is Why.TIMEOUT else self._notice if notice is None else notice
        run = self._runs.get(call)
        out_of_time = partial(self.stop, call, why, notice, grace)
        if why is Why.TIMEOUT and run is not None and run.child is not None and run.child.has_time_left(out_of_time):
            return
        if why is Why.TIMEOUT and run is not None and self._nursery.defer(call.policy.timeout or 0.0, out_of_time):
            return
        call.why = call.why or why
        call.context.stopping = True
        if run is None or run.ended.done():
            return
        if run.child is None:
            self._waiting.remove(run)
            run.end(stopped(call, "before it began"))
        elif self._nursery.ready:
            run.child.stop(notice, self._grace if grace is None else grace, self._nursery.send)
        else:
            # The app is still being imported, perhaps for ever.
            run.end(stopped(call, "before it began"))
            self._nursery.forget(run.child)

    def child_of(self, call: Call) -> Child | None:
        """The process that it runs in, once it has one."""
        run = self._runs.get(call)
        return None if run is None or run.child is None or run.child.pid is None else run.child

    def suspend(self, call: Call) -> bool:
        """Halt its processes. False where it has none or is to stop."""
        return (child := self.child_of(call)) is not None and child.suspend(self._nursery.send)

    def resume(self, call: Call) -> bool:
        """False where it was not halted."""
        return (child := self.child_of(call)) is not None and child.resume(self._nursery.send)

    async def inspect(self, call: Call) -> dict[str, Any] | None:
        """Its processes and where its code stands (inspecting.py); None where it has none."""
        if (child := self.child_of(call)) is None or child.pid is None:
            return None
        from .inspecting import inspect

        ask = partial(self._nursery.send, child, STACK, True)
        return await inspect(child.pid, None if child.suspended else ask)

    def freed(self, child: Child) -> None:
        """A pooled child has ended a job and can take another one."""
        self._idle.append(child)
        self._serve_waiting()

    def gone(self, child: Child) -> None:
        """A child has ended."""
        if child in self._pool:
            self._pool.remove(child)
            if child in self._idle:
                self._idle.remove(child)
            self._serve_waiting()
        elif child in self._spares:
            self._spares.remove(child)

    def _begin(self, run: Run) -> None:
        if run.call.policy.executor == "pool":
            self._waiting.append(run)
            self._serve_waiting()
            return
        if not self._use_one_of(self._spares, run) and (child := self._spawn_for(run)) is not None:
            child.start(run, last=True)
        if not self._topping:
            self._topping = True
            asyncio.get_running_loop().call_soon(self._top_up)

    def _serve_waiting(self) -> None:
        while self._waiting:
            run = self._waiting[0]
            if not self._use_one_of(self._idle, run):
                if len(self._pool) >= self._size:
                    return
                if (child := self._spawn_for(run)) is not None:
                    self._pool.add(child)
                    child.start(run, last=self._most_jobs == 1)
            self._waiting.popleft()

    def _use_one_of(self, children: deque[Child], run: Run) -> bool:
        """Give the run to one of those that wait for work. They may have died, and their end not be known yet."""
        while children:
            child = children.pop()
            if child.start(run, last=child not in self._pool or child.jobs + 1 == self._most_jobs):
                return True
            child.refuse()
        return False

    def _spawn_for(self, run: Run) -> Child | None:
        """A new child, or None where there cannot be one: then the run has ended."""
        try:
            trouble = self._nursery.trouble()
            if trouble is None:
                return self._nursery.spawn()
        except OSError as error:
            trouble = Failed(describe(error), names_of(error))
        run.end(trouble)
        return None

    def _top_up(self) -> None:
        self._topping = False
        loop = asyncio.get_running_loop()
        self._used = loop.time()
        if self._resting is None:
            self._resting = loop.call_later(IDLE, self._rest)
        with suppress(OSError):  # the next job will tell
            while len(self._spares) < self._spare and not self._closed and self._nursery.trouble() is None:
                # Taken from the other end: the oldest is the one that surely has been forked by then.
                self._spares.appendleft(self._nursery.spawn())

    def _rest(self) -> None:
        """Nobody has needed a process for a while: those that wait for one who does take memory for nothing."""
        loop = asyncio.get_running_loop()
        self._resting = None
        if loop.time() < self._used + IDLE:
            self._resting = loop.call_at(self._used + IDLE, self._rest)
            return
        for child in self._spares:
            child.retire()
