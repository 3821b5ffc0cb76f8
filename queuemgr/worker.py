"""The worker: claim, decode, admit, run, judge, settle. Beside its pulse it starts no process, and it keeps no records.

One asyncio task for each running job; slots bound their number. The store says what is due, the executors run it, and
`judge` decides what follows.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .context import JobContext
from .errors import ConfigError, StoreError
from .executor import Call, Why, describe, names_of, with_shown
from .fault import point
from .hand import Hand
from .loop import put_last_first
from .options import DEFAULT_POLICY
from .outcome import Cancelled, Failed, GivenBack, Unknown
from .pruning import Pruning
from .pulse import Pulse, worker_here
from .reporting import RunReporter
from .settle import Settler, settlement_after
from .shares import Shares
from .stopping import LAST_GRACE, Stopping
from .store import Claim
from .tally import Tally
from .ticker import declare, tick_if_due
from .wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .clock import Clock
    from .codec import Codec
    from .executor import Executor
    from .job import Lease
    from .options import Policy
    from .outcome import Outcome
    from .result import Keeper
    from .schedule import Schedule
    from .settings import WorkerSettings
    from .store import Store
    from .task import Registry

log = logging.getLogger("queuemgr.worker")

TEND = 0.5
NO_TROUBLE, LONGEST_TROUBLE = 0.1, 5.0


@dataclass(slots=True, eq=False)
class Run:
    """One job in this worker's hands."""

    lease: Lease
    reporter: RunReporter
    began: float = 0.0
    executor: Executor | None = None
    call: Call | None = None
    task: asyncio.Task[None] | None = None


class Worker:
    """Runs jobs until it is stopped. `executors` makes each kind when the first job asks for it."""

    def __init__(
        self,
        store: Store,
        tasks: Registry,
        codec: Codec,
        executors: Mapping[str, Callable[[], Executor]],
        settings: WorkerSettings,
        clock: Clock,
        schedules: Sequence[Schedule] = (),
        *,
        keeper: Keeper | None = None,
    ) -> None:
        self.id = settings.id or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.running: dict[asyncio.Task[None], Run] = {}
        self._store = store
        self._tasks = tasks
        self._codec = codec
        self._factories = executors
        self.executors: dict[str, Executor] = {}
        self._opening, self._claiming = asyncio.Lock(), asyncio.Lock()
        self._settings = settings
        self.clock = clock
        self._schedules = schedules
        self._keeper = keeper
        self._shares = Shares(settings.queues)
        self._tally = Tally(store, self.id, settings.concurrency, self.running)
        self._settler = Settler(store, self._lost, self._tally)
        self._hand = Hand(settings.concurrency, clock, tasks, self._give_back, remote=store.remote)
        self._dirty: set[RunReporter] = set()
        self._progress = asyncio.Event()
        self._stopping = Stopping(clock, self._progress)
        self._over = self._left = False
        self._resting: asyncio.Future[None] | None = None
        self._pruning = Pruning(store, keeper)
        self._pulse = Pulse(store, self.id) if store.remote else None
        self.wishes = Wishes(store, self.id, self._wake, self.stop)
        self._known = tasks.names

    async def run(self) -> bool:
        """Work until `stop`; with `burst`, until nothing is ready. False if something could not be stopped in time."""
        await self._join()
        log.info("worker %s is ready", self.id)
        tending = asyncio.create_task(self._tend_always(), name="queuemgr tend")
        try:
            await self._work_until_stopped()
            return await self._wind_up()
        finally:
            self._over = True
            self._hand.empty()
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            for executor in set(self.executors.values()):
                await executor.close()
            await self._leave_anyway()
            if self._pulse is not None and not self.running:
                # What cannot be stopped ends with this process, and the pulse tells the store of that.
                self._pulse.stop()
            if self._keeper is not None and not self._stopping.hurried:
                # Last: nobody's job waits for it.
                await self._keeper.rest()

    def stop(self, grace: float | None = None) -> None:
        """Take no more jobs; give running ones `grace` seconds, then give them back without using up an attempt.

        Called again, it can only hurry what was asked before.
        """
        self._stopping.ask(self._settings.grace if grace is None else grace)
        for run in self.running.values():
            if run.call is not None:
                run.call.context.stopping = True
        self._wake()

    async def _work_until_stopped(self) -> None:
        trouble = NO_TROUBLE
        while not self._stopping.asked:
            try:
                busy = bool(self.running)
                if self._settings.burst and not busy:
                    # What has just ended may be ready again.
                    await self._settler.drain()
                if not await self._claim_and_begin() and self._settings.burst and not (busy or self.running):
                    return
                trouble = NO_TROUBLE
            except StoreError as error:
                log.warning("no jobs can be claimed, next try in %.1f s: %s", trouble, error)
                await asyncio.sleep(trouble)
                trouble = min(2 * trouble, LONGEST_TROUBLE)

    async def _claim_and_begin(self) -> bool:
        """Fill the free slots, or wait until something changes. False when there was nothing to do."""
        self._progress.clear()
        wanted = 0 if self.wishes.quiet else self._hand.wanted(self._free)
        if not wanted:
            if self.wishes.quiet:
                self._hand.empty()
            await self._progress.wait()
            return True
        idle = not self.running and self._settler.idle
        wish = Claim(worker=self.id, queues=self._shares.of(wanted), limit=wanted, tasks=self._known, idle=idle)
        async with self._claiming:
            claimed = await self._store.claim(wish)
        short = len(claimed.leases) < wanted
        free = 0 if self._stopping.asked or self.wishes.quiet else self._free
        for lease in claimed.leases[:free]:
            self._begin(lease)
        self._hand.keep(claimed.leases[free:], all_came=not short)
        if await tick_if_due(self._store, claimed.next_due):
            return True
        if short and not (self._settings.burst and not self.running):
            await self._rest(claimed.next_due)
        return bool(claimed.leases)

    @property
    def _free(self) -> int:
        return self._settings.concurrency - len(self.running)

    def _go_on(self) -> None:
        """A slot is free: what is at hand begins, and the next claim comes soon enough."""
        if self._hand and not self._stopping.asked and not self.wishes.quiet:
            while self._free > 0 and (lease := self._hand.take()) is not None:
                self._begin(lease, first=not self._hand.flooded)
        if self._free > 0 or self._hand.low:
            self._wake()

    async def _rest(self, next_due: float | None) -> None:
        """Until there may be work, a slot is free again, or it is time to look anyway."""
        timeout = TEND if next_due is None else min(TEND, max(0.0, next_due - self.clock.now()))
        resting = self._resting = asyncio.ensure_future(self._store.wait(self._shares.names, timeout))
        try:
            await asyncio.wait((resting,))
        finally:
            self._resting = None
            resting.cancel()
        if not resting.cancelled():
            resting.result()
            if self._free <= 0:
                # What woke this worker is for another one that has a slot for it.
                await self._look_after_others([(name, 0) for name in self._shares.names])

    def _wake(self) -> None:
        self._progress.set()
        if self._resting is not None:
            self._resting.cancel()

    def _begin(self, lease: Lease, *, first: bool = False) -> None:
        run = Run(lease, RunReporter(lease, self.clock, self._dirty))
        run.task = asyncio.get_running_loop().create_task(self._work(run), name=f"{lease.task} {lease.id}")
        if first:
            put_last_first()
        self.running[run.task] = run

    async def _work(self, run: Run) -> None:
        lease, run.began = run.lease, self.clock.monotonic()
        admitted = self._admit(run)
        policy = run.call.policy if run.call is not None else DEFAULT_POLICY
        try:
            point("run.before")
            outcome = await self._execute(run, policy) if admitted is None else admitted
            point("run.after")
            if admitted is None and policy.executor != "process":
                self._hand.ended(self.clock.monotonic() - run.began)
            settlement = settlement_after(lease, outcome, policy, self.id, self.clock.now())
            self._settler.settle(settlement, run.reporter.take())
        finally:
            assert run.task is not None
            del self.running[run.task]
            self._go_on()

    def _admit(self, run: Run) -> Outcome | None:
        """Find the task and prepare the call; an outcome where it cannot be run here."""
        lease = run.lease
        task = self._tasks.get(lease.task)
        if task is None:
            return Unknown()
        try:
            policy = task.policy(lease.options)
        except (ConfigError, TypeError, ValueError) as error:
            return Failed({"type": "queuemgr.errors.ConfigError", "message": f"its options: {error}"}, retry=False)
        context = JobContext(lease.id, lease.task, lease.queue, lease.attempt, run.reporter, self._keeper)
        run.call = Call(lease, task, policy, context, self._codec, self._settings.max_result)
        return None

    async def _execute(self, run: Run, policy: Policy) -> Outcome:
        assert run.call is not None
        deadline = None
        try:
            run.executor = self.executors.get(policy.executor) or await self._open(policy.executor)
            if policy.timeout is not None:
                loop = asyncio.get_running_loop()
                deadline = loop.call_later(policy.timeout, self._interrupt, run, Why.TIMEOUT)
            return await self._with_shown(await run.executor.run(run.call), run.call)
        except asyncio.CancelledError as error:
            # Nobody here cancels a job's asyncio task: its own code did, and must not take the job along.
            if self._over:
                raise
            return Failed(describe(error), names_of(error))
        except Exception as error:
            log.exception("the executor %r failed under job %s", policy.executor, run.lease.id)
            return Failed(describe(error), names_of(error))
        finally:
            if deadline is not None:
                deadline.cancel()

    async def _with_shown(self, outcome: Outcome, call: Call) -> Outcome:
        if call.context.result is None:
            return outcome
        return await asyncio.to_thread(with_shown, outcome, call.context, call.codec, call.max_result)

    async def _open(self, kind: str) -> Executor:
        async with self._opening:
            if kind not in self.executors:
                executor = self._factories[kind]()
                if executor not in self.executors.values():
                    await executor.open()
                self.executors[kind] = executor
        return self.executors[kind]

    def _interrupt(self, run: Run, why: Why) -> None:
        if run.call is None or run.executor is None or run.call.why is not None:
            return
        refusal = run.executor.interrupt(run.call, why)
        if refusal:
            log.warning("job %s (%s) cannot be stopped (%s): %s", run.lease.id, run.lease.task, why.value, refusal)

    def _give_back(self, leases: Sequence[Lease]) -> None:
        for lease in reversed(leases):  # where the last one to come back is the first in line
            self._settle_unbegun(lease, GivenBack("it had not begun", begun=False))

    def _settle_unbegun(self, lease: Lease, outcome: Outcome) -> None:
        self._settler.settle(settlement_after(lease, outcome, DEFAULT_POLICY, self.id, self.clock.now()))

    def _lost(self, lease: Lease) -> None:
        told = "job %s (%s) was taken from this worker before it ended; its end was not kept"
        log.warning(told, lease.id, lease.task)

    async def _join(self) -> None:
        for task in self._tasks:
            task.prepare()
        await self._store.open()
        now = self.clock.now()
        await self._store.join(worker_here(self.id, self._settings, self._known, now))
        if self._pulse is not None:
            self._pulse.keep()
        for schedule in self._schedules:
            await declare(self._store, schedule, now)

    def run_of(self, job_id: str) -> Run | None:
        """The job in this worker's hands; None where it does not run here."""
        return next((run for run in self.running.values() if run.lease.id == job_id), None)

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
        """Renew the leases, stop what was cancelled, hand over what was said, and look after what nobody waits for."""
        self._settler.report([report for reporter in list(self._dirty) if (report := reporter.take())])
        if self._pulse is not None:
            self._pulse.keep()
        for job_id in await self._store.beat(self.id, None):
            if (run := self.run_of(job_id)) is not None:
                self._interrupt(run, Why.CANCEL)
            elif (lease := self._hand.drop(job_id)) is not None:
                self._settle_unbegun(lease, Cancelled("cancelled before it began"))
        await self._pruning.tend()
        await self.wishes.heed(stopping=self._stopping.asked)
        await self._tally.tend()
        if self._free <= 0 or self.wishes.quiet:
            await self._look_after_others()

    async def _look_after_others(self, queues: Sequence[tuple[str, int]] = ()) -> None:
        """A full worker too moves what is due, takes back the jobs of the dead, and fires schedules."""
        async with self._claiming:  # a store takes one claim of a worker at a time
            claimed = await self._store.claim(Claim(worker=self.id, queues=queues, limit=0, tasks=self._known))
        await tick_if_due(self._store, claimed.next_due)

    async def _wind_up(self) -> bool:
        point("stop.draining")
        self._hand.empty()
        try:
            await self._store.beat(self.id, "stopping")
        except StoreError as error:
            log.warning("the store does not know that this worker stops: %s", error)
        if not await self._stopping.in_time(self._none_runs):
            for run in list(self.running.values()):
                self._interrupt(run, Why.STOP)
            self._stopping.prolong()
            await self._stopping.in_time(self._none_runs)
        for run in self.running.values():
            log.warning("job %s (%s) cannot be stopped; it ends with this process", run.lease.id, run.lease.task)
        await self._wind_up_with_the_store()
        return not self.running

    def _none_runs(self) -> bool:
        return not self.running

    async def _wind_up_with_the_store(self) -> None:
        """Hand over what it has not taken yet. One that is away is not waited for for ever. Raises StoreError."""
        last = asyncio.ensure_future(self._settler.close() if self.running else self._leave())
        last.add_done_callback(lambda _: self._wake())
        if not await self._stopping.in_time(last.done):
            self._stopping.prolong()
        if await self._stopping.in_time(last.done):
            last.result()
        else:
            last.cancel()
            self._settler.give_up()
            self._left = True

    async def _leave(self) -> None:
        await self._settler.close()
        await self._store.leave(self.id)
        self._left = True
        point("stop.released")

    async def _leave_anyway(self) -> None:
        """Cancelled or failed: this process lives on, so nobody else would give back what was leased to it."""
        if not self._left and not self.running:
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(LAST_GRACE):
                    await self._leave()
