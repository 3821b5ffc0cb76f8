"""The stage on which the suite's tests play: an empty store, a clock turned by hand, workers that can be killed.

It knows the store's public contract only.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import pytest

from queuemgr.app import open_store
from queuemgr.clock import SystemClock
from queuemgr.job import Job, State, new_id
from queuemgr.outcome import SUCCEEDED, Verdict
from queuemgr.store import Claim, Settlement, WorkerInfo
from queuemgr.testing.clock import ManualClock
from queuemgr.testing.mortal import Mortal, this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from queuemgr.clock import Clock
    from queuemgr.job import Lease
    from queuemgr.store import Store

C = TypeVar("C", bound="Cases")
P = ParamSpec("P")

LOOKS_FOR_THE_DEAD_WITHIN = 1.0
"""Seconds of its own clock after which a store that is claimed from must have noticed a worker's death."""

LIMIT = 60.0
"""Seconds that a test may take."""

FAILED = Verdict(State.DEAD, "failed", failed=True, reason="all 3 attempts failed")
GIVEN_BACK = Verdict(State.READY, "given back", reason="the worker stopped")
CRASHED = Verdict(State.READY, "crashed", crashed=True)
CANCELLED = Verdict(State.CANCELLED, "cancelled", reason="cancelled while running")
UNKNOWN = Verdict(State.PARKED, "unknown task", reason="no worker here knows the task")


def retry_at(moment: float) -> Verdict:
    return Verdict(State.SCHEDULED, "failed", run_at=moment, failed=True)


def snooze_until(moment: float) -> Verdict:
    return Verdict(State.SCHEDULED, "snoozed", run_at=moment)


class Cases:
    """What every group of tests has: the address of an empty store, and the way to open it."""

    @pytest.fixture
    def url(self) -> str:
        """The address of a store that is empty and belongs to this test alone."""
        raise NotImplementedError("a suite of tests for a store needs the fixture `url`")

    def make(self, url: str, clock: Clock) -> Store:
        """A store at this address, not opened yet. Other processes of the suite use `open_store`."""
        return open_store(url, clock)


def staged(
    test: Callable[Concatenate[C, Stage, P], Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run an asynchronous test on a stage whose clock stands still."""
    return _run_by_pytest(test, ManualClock)


def staged_in_real_time(
    test: Callable[Concatenate[C, Stage, P], Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run an asynchronous test on a stage with the clock of the machine."""
    return _run_by_pytest(test, SystemClock)


def _run_by_pytest(
    test: Callable[..., Coroutine[Any, Any, None]], make_clock: Callable[[], Clock]
) -> Callable[..., None]:
    itself, _, *values = inspect.signature(test).parameters.values()

    @wraps(test)
    def run(self: Cases, url: str, **given: Any) -> None:
        asyncio.run(asyncio.wait_for(_play(self, test, url, make_clock(), given), LIMIT))

    # What pytest reads the fixtures from: the stage's place is taken by the address.
    place = inspect.Parameter("url", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = inspect.Signature([itself, place, *values])  # type: ignore[attr-defined]
    return run


async def _play(
    cases: Cases, test: Callable[..., Coroutine[Any, Any, None]], url: str, clock: Clock, given: dict[str, Any]
) -> None:
    async with AsyncExitStack() as curtain:
        stage = Stage(cases, url, clock, curtain)
        stage.store = await stage.another_store()
        await test(cases, stage, **given)


@dataclass(slots=True)
class Stage:
    """The store under test, and shorthands for what a producer and a worker do with it."""

    cases: Cases
    url: str
    _clock: Clock
    _curtain: AsyncExitStack
    store: Store = None  # type: ignore[assignment]

    @property
    def clock(self) -> ManualClock:
        assert isinstance(self._clock, ManualClock)
        return self._clock

    def now(self) -> float:
        return self._clock.now()

    async def another_store(self) -> Store:
        """The same store, opened once more; closed when the test is over."""
        store = self.cases.make(self.url, self._clock)
        await store.open()
        self._curtain.push_async_callback(store.close)
        return store

    def job(self, task: str = "task", **fields: Any) -> Job:
        return Job(**{"id": new_id(), "task": task, "args": b"[[]]", "created_at": self.now(), **fields})

    async def enqueue(self, task: str = "task", **fields: Any) -> str:
        return (await self.store.enqueue([self.job(task, **fields)]))[0].id

    async def enqueue_many(self, number: int, task: str = "task", **fields: Any) -> list[str]:
        return [done.id for done in await self.store.enqueue([self.job(task, **fields) for _ in range(number)])]

    async def join(self, worker: str = "worker", *, tasks: Sequence[str] = ("task",), **fields: Any) -> WorkerInfo:
        """A worker that lives as long as this process, unless the fields say otherwise."""
        host, pid, birth = this_process()
        info = WorkerInfo(id=worker, host=host, pid=pid, birth=birth, tasks=tuple(tasks), beat_at=self.now())
        info = replace(info, started_at=self.now(), **fields)
        await self.store.join(info)
        return info

    async def join_mortal(self, worker: str = "mortal", **fields: Any) -> Mortal:
        """A worker with a process of its own, which the test may kill."""
        mortal = self._curtain.enter_context(Mortal())
        await self.join(worker, pid=mortal.pid, birth=mortal.birth, **fields)
        return mortal

    async def claim(
        self,
        worker: str = "worker",
        limit: int = 1000,
        *,
        queues: Sequence[str | tuple[str, int]] = ("default",),
        tasks: Sequence[str] = ("task",),
    ) -> list[Lease]:
        shares = [(queue, limit) if isinstance(queue, str) else queue for queue in queues]
        claim = Claim(worker=worker, queues=shares, limit=limit, tasks=frozenset(tasks))
        return (await self.store.claim(claim)).leases

    async def lease(self, worker: str = "worker", **fields: Any) -> Lease:
        """The one job that there is to lease."""
        leases = await self.claim(worker, **fields)
        assert len(leases) == 1
        return leases[0]

    def settlement(self, lease: Lease, verdict: Verdict = SUCCEEDED, **fields: Any) -> Settlement:
        return Settlement(**{"lease": lease, "worker": "worker", "verdict": verdict, "ended_at": self.now(), **fields})

    async def settle(self, lease: Lease, verdict: Verdict = SUCCEEDED, **fields: Any) -> bool:
        return (await self.store.settle([self.settlement(lease, verdict, **fields)]))[0]

    async def run(self, verdict: Verdict = SUCCEEDED, worker: str = "worker", **fields: Any) -> Lease:
        """Lease the one job that there is and end it at once."""
        lease = await self.lease(worker)
        assert await self.settle(lease, verdict, worker=worker, **fields)
        return lease

    async def enqueue_ended(self, state: State, **fields: Any) -> str:
        """A finished job, run by `worker` where it ran."""
        job_id = await self.enqueue(**fields)
        if state is State.CANCELLED:
            assert await self.change("cancel", job_id) == 1
        else:
            (lease,) = [lease for lease in await self.claim() if lease.id == job_id]
            assert await self.settle(lease, SUCCEEDED if state is State.SUCCEEDED else FAILED)
        return job_id

    async def state(self, job_id: str) -> State:
        return (await self.store.get(job_id)).state

    async def change(self, verb: str, *job_ids: str) -> int:
        from queuemgr.store import Query

        return await self.store.change(verb, Query(ids=job_ids))

    async def a_death_is_noticed(self) -> None:
        """Let enough time pass that the next claim looks for dead workers."""
        self.clock.advance(LOOKS_FOR_THE_DEAD_WITHIN)
