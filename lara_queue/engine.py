"""Keeps handlers busy with the jobs of one queue: claims ahead of them, beats, settles. It calls no handler itself.

Where handlers are quick, some jobs are reserved before their turn, about as many as end within a few hundredths of a
second; where one turns out to be slow, those that have not begun go back at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from queuemgr.errors import ConfigError, StoreError
from queuemgr.executor import describe
from queuemgr.job import Lease, State
from queuemgr.liveness import birth_of, this_host
from queuemgr.outcome import Verdict
from queuemgr.pruning import Pruning
from queuemgr.pulse import Pulse
from queuemgr.settle import Settler
from queuemgr.store import Claim, Settlement, WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.dialects.laravel.store import LaravelStore

log = logging.getLogger("lara_queue")

EVERYTHING = frozenset({"*"})
TEND = 0.5
AHEAD, MOST_AHEAD, MOST_AT_ONCE = 0.04, 400, 180
NO_TROUBLE, LONGEST_TROUBLE = 0.1, 5.0
LAST_PATIENCE = 10.0
GIVEN_BACK = Verdict(State.READY, "given back", reason="the worker stopped")


class Abandoned(BaseException):
    """The worker itself broke the run off; the job is not to blame."""


class Lanes(Protocol):
    """Where handlers run, with `elsewhere` in another thread than the engine.

    `size` is how many may run at once; what is put there waits for its turn.
    """

    @property
    def size(self) -> int: ...

    @property
    def elsewhere(self) -> bool: ...

    def put(self, lease: Lease) -> None: ...

    def take_back(self) -> list[Lease]:
        """What has not begun."""

    def cancel(self, job_id: str | None) -> None:
        """Break off the run of this job, or of all; as far as that is possible."""


class Engine:
    """`done` must be called, in the engine's event loop, for everything that was put into the lanes.

    `judge` says what becomes of a job whose handlers ended, with the error or without.
    """

    def __init__(
        self,
        store: LaravelStore,
        queue: str,
        judge: Callable[[Lease, BaseException | None], Verdict],
        *,
        pulse: bool,
    ) -> None:
        self.id = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._store = store
        self._queue = queue
        self._judge = judge
        self._pulse = Pulse(store, self.id) if pulse else None
        self._settler = Settler(store, _lost)
        self._lanes: Lanes
        self._out: dict[str, Lease] = {}
        self._ended = 0
        self._low = 0
        self._rate = 0.0
        self._counted = time.monotonic()
        self._total = self._still = 0
        self._pruning = Pruning(store)
        self._joined = False
        self._stopping = self._over = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._progress = asyncio.Event()
        self._resting: asyncio.Future[None] | None = None

    async def run(self, lanes: Lanes) -> None:
        """Until `stop`; then what runs may end. When it is cancelled, what runs is broken off and given back."""
        self._lanes, self._loop = lanes, asyncio.get_running_loop()
        tending = asyncio.create_task(self._tend_always(), name="lara_queue tend")
        try:
            await self._work()
        except BaseException:
            lanes.cancel(None)
            raise
        finally:
            await self._wind_up()
            self._over = True
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            if self._pulse is not None:
                self._pulse.stop()

    def stop(self) -> None:
        """From any thread and any signal handler, before and while it runs."""
        self._stopping = True
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def done(self, lease: Lease, error: BaseException | None) -> None:
        self._ended += 1
        self._total += 1
        verdict = GIVEN_BACK if isinstance(error, Abandoned) else self._judge(lease, error)
        self._settle(lease, verdict, error)
        if lease.crashes or self._stopping:
            self._wake()
        elif len(self._out) <= self._low:
            self._progress.set()

    async def _work(self) -> None:
        trouble = NO_TROUBLE
        while not self._stopping:
            self._progress.clear()
            try:
                await self._claim_or_wait()
                trouble = NO_TROUBLE
            except ConfigError:
                raise
            except StoreError as error:
                log.warning("no jobs can be claimed, next try in %.1f s: %s", trouble, error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(trouble):
                        await self._until_stopped()
                trouble = min(2 * trouble, LONGEST_TROUBLE)

    async def _claim_or_wait(self) -> None:
        if not self._joined:
            await self._join()
        wanted = self._wanted()
        if wanted <= 0:
            await self._progress.wait()
            return
        idle = self._lanes.elsewhere or (not self._out and self._settler.idle)
        queues = ((self._queue, wanted),)
        claimed = await self._store.claim(
            Claim(worker=self.id, queues=queues, limit=wanted, tasks=EVERYTHING, idle=idle)
        )
        for lease in claimed.leases:
            self._out[lease.id] = lease
            self._lanes.put(lease)
        if len(claimed.leases) < wanted and not self._stopping:
            await self._rest(claimed.next_due)

    def _wanted(self) -> int:
        """How many more to claim; 0 while what is at hand will do."""
        now = time.monotonic()
        if self._ended and now - self._counted > AHEAD / 2:
            self._rate = (self._rate + self._ended / (now - self._counted)) / 2
            self._ended = 0
            self._counted = now
        ahead = min(MOST_AHEAD, int(self._rate * AHEAD))
        self._low = self._lanes.size + ahead - ahead // 2 - 1
        if len(self._out) > self._low:
            return 0
        return min(MOST_AT_ONCE, self._lanes.size + ahead - len(self._out))

    async def _rest(self, next_due: float | None) -> None:
        timeout = TEND if next_due is None else min(TEND, max(0.0, next_due - self._store.clock.now()))
        resting = self._resting = asyncio.ensure_future(self._store.wait([self._queue], timeout))
        try:
            await asyncio.wait((resting,))
        finally:
            self._resting = None
            resting.cancel()
        if not resting.cancelled():
            resting.result()

    def _wake(self) -> None:
        self._progress.set()
        if self._resting is not None:
            self._resting.cancel()

    async def _until_stopped(self) -> None:
        while not self._stopping:
            self._progress.clear()
            await self._progress.wait()

    def _settle(self, lease: Lease, verdict: Verdict, error: BaseException | None) -> None:
        self._out.pop(lease.id, None)
        told = None if error is None or isinstance(error, Abandoned) else describe(error)
        self._settler.settle(Settlement(lease, self.id, verdict, self._store.clock.now(), error=told))

    def _give_back(self, leases: list[Lease]) -> None:
        # Each goes to the front, so that the last one goes first.
        for lease in reversed(leases):
            self._settle(lease, GIVEN_BACK, None)

    async def _join(self) -> None:
        now = self._store.clock.now()
        info = WorkerInfo(
            id=self.id,
            host=this_host(),
            pid=os.getpid(),
            birth=birth_of(os.getpid()) or 0,
            name="lara_queue",
            queues=(self._queue,),
            concurrency=self._lanes.size,
            started_at=now,
            beat_at=now,
        )
        await self._store.open()
        await self._store.join(info)
        self._joined = True
        log.info("listening to the queue %r as worker %s", self._queue, self.id)

    async def _tend_always(self) -> None:
        # A cancel alone could get lost: before Python 3.12, `asyncio.wait_for` drops one that comes as it ends.
        while not self._over:
            await asyncio.sleep(TEND)
            try:
                await self._tend()
            except StoreError as error:
                log.warning("the worker could not look after its jobs: %s", error)
            except Exception:
                log.exception("the worker could not look after its jobs; it tries again")

    async def _tend(self) -> None:
        if not self._joined:
            return
        if self._pulse is not None:
            self._pulse.keep()
        for job_id in await self._store.beat(self.id, "stopping" if self._stopping else "running"):
            self._lanes.cancel(job_id)
        self._release_what_waits_too_long()
        await self._pruning.tend()
        if len(self._out) >= self._lanes.size and not self._stopping:
            # A full worker, too, takes back the jobs of the dead.
            await self._store.claim(Claim(worker=self.id, queues=(), limit=0, tasks=EVERYTHING))

    def _release_what_waits_too_long(self) -> None:
        if self._total == self._still and (waiting := self._lanes.take_back()):
            self._rate = 0.0
            self._give_back(waiting)
            self._wake()
        self._still = self._total

    async def _wind_up(self) -> None:
        self._stopping = True
        self._give_back(self._lanes.take_back())
        while self._out:
            self._progress.clear()
            await self._progress.wait()
        try:
            async with asyncio.timeout(LAST_PATIENCE):
                await self._settler.drain()
                if self._joined:
                    await self._store.leave(self.id)
        except (StoreError, TimeoutError) as error:
            log.warning("Redis did not take the end of the last jobs, so that they may run again: %s", error)


def _lost(lease: Lease) -> None:
    log.warning("job %s (%s) was taken from this worker before it ended; its end was not kept", lease.id, lease.task)
