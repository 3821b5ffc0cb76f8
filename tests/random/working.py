"""What workers do: claim, settle, say something, beat, tick, stop, leave, die and come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from queuemgr import ticker
from queuemgr.job import State
from queuemgr.options import Backoff, Policy
from queuemgr.outcome import (
    Cancelled,
    Crashed,
    Done,
    Failed,
    GivenBack,
    Snoozed,
    Undecodable,
    Unknown,
    judge,
)
from queuemgr.recurrence import due_firings
from queuemgr.settle import settlement_of
from queuemgr.store import Claim, Report

from . import claiming
from .checking import check_renewed
from .model import require
from .simulation import QUEUES, TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from queuemgr.job import Job, Lease
    from queuemgr.outcome import Outcome
    from queuemgr.store import Claimed, ScheduleInfo, Settlement, Store

    from .simulation import Simulation
    from .world import Process


def claim(sim: Simulation, rng: Random) -> str:
    process = sim.worker(rng)
    if process.stopping:
        return f"{_leave(sim, process, rng)} leaves instead"
    asked = make_claim(process, rng)
    claimed = sim.do(process, process.store.claim(asked), rng)
    return take(sim, process, asked, claimed)


def make_claim(process: Process, rng: Random) -> Claim:
    queues = rng.sample(QUEUES, rng.choice((1, 2, 3, 3)))
    limit = rng.choice((0, 1, 2, 3, 4, 8))
    shares = [(name, rng.randrange(limit // len(queues) + 1)) for name in queues]
    return Claim(worker=process.name, queues=shares, limit=limit, tasks=process.tasks)


def take(sim: Simulation, process: Process, asked: Claim, claimed: Claimed) -> str:
    sim.patrol(process)
    sim.model.promote(sim.now)
    claiming.take(sim.model, asked, claimed, sim.now)
    moments = [known.run_at for known in sim.model.jobs.values() if known.state is State.SCHEDULED]
    moments += [plan.next_at for plan in sim.planned.values()]
    due = min((moment for moment in moments if moment is not None), default=None)
    require(claimed.next_due == due, f"the next moment is {due}, said was {claimed.next_due}")
    leases = list(claimed.leases)
    sim.old_leases += [(process.name, lease) for lease in leases]
    process.leases += leases
    check_renewed(sim, process)
    return f"{process.name} of {asked.limit} in {list(asked.queues)}: {[lease.id for lease in leases]}"


def settle(sim: Simulation, rng: Random) -> str:
    process = sim.worker(rng, busy=True)
    if not process.leases:
        return f"{process.name} has nothing"
    leases = rng.sample(process.leases, min(len(process.leases), rng.choice((1, 1, 1, 3))))
    process.leases = [lease for lease in process.leases if lease not in leases]
    settlements = [make_settlement(sim, process, lease, rng) for lease in leases]
    taken = sim.do(process, process.store.settle(settlements), rng)
    return note_settled(sim, settlements, taken)


def make_settlement(
    sim: Simulation, process: Process, lease: Lease, rng: Random, worker: str | None = None
) -> Settlement:
    known = lease.task in process.tasks
    outcome = _any_outcome(rng) if known else Unknown()
    policy = Policy(
        attempts=rng.choice((1, 2, 3)),
        backoff=Backoff(base=rng.choice((0.0, 1.0, 60.0)), jitter=0.0),
        retry_on=(),
        never_retry_on=(),
        timeout=None,
        executor="async",
        memory_limit=None,
        crash_budget=rng.choice((1, 3)),
    )
    verdict = judge(lease, outcome, policy, sim.now)
    return settlement_of(lease, outcome, verdict, worker or process.name, sim.now)


def note_settled(sim: Simulation, settlements: Sequence[Settlement], taken: Sequence[bool]) -> str:
    must = [sim.model.settle(settlement) for settlement in settlements]
    ids = [f"{x.lease.id}/{x.lease.attempt} {x.verdict.word}" for x in settlements]
    require(list(taken) == must, f"{ids} taken: {taken}, right would be {must}")
    return ", ".join(f"{name}{'' if fresh else ' (stale)'}" for name, fresh in zip(ids, must, strict=True))


def settle_late(sim: Simulation, rng: Random) -> str:
    """An end that comes after the lease is gone, from whoever had it."""
    old = sim.old_leases[-40:]
    if not old:
        return "no lease yet"
    # Where the job runs again an old token is most tempting to take.
    again = [one for one in old if _runs_again(sim, one[1])]
    name, lease = rng.choice(again or old)
    process = sim.worker(rng)
    settlement = make_settlement(sim, process, lease, rng, name)
    if sim.model.is_current(settlement):
        return "that lease still holds"
    taken = sim.do(process, process.store.settle([settlement]), rng, 0.0)
    return note_settled(sim, [settlement], taken)


def _runs_again(sim: Simulation, lease: Lease) -> bool:
    known = sim.model.jobs.get(lease.id)
    return known is not None and known.state is State.RUNNING and known.attempt != lease.attempt


def report(sim: Simulation, rng: Random) -> str:
    process = sim.worker(rng, busy=True)
    if not process.leases:
        return f"{process.name} has nothing to tell"
    told = _make_report(process, sim.now, rng)
    sim.do(process, process.store.report([told]), rng)
    sim.model.report(told)
    return f"{told.lease.id}/{told.lease.attempt}"


def _make_report(process: Process, now: float, rng: Random) -> Report:
    progress = rng.choice((None, 10.0, 60.0))
    return Report(rng.choice(process.leases), progress, None, [(now, "stdout", f"line {rng.randrange(99)}\n")])


def work_together(sim: Simulation, rng: Random) -> str:
    """What a worker does at the same moment shares one commit."""
    process = sim.worker(rng, busy=True)
    if process.stopping or not process.leases:
        return f"{process.name} has nothing"
    lease = process.leases.pop(rng.randrange(len(process.leases)))
    settlement = make_settlement(sim, process, lease, rng)
    asked = make_claim(process, rng)
    works = [process.store.settle([settlement]), process.store.claim(asked), process.store.prune(0)]
    taken, claimed, _ = sim.world.do_together(process, works)
    said = note_settled(sim, [settlement], taken)
    sim.model.prune(sim.now)
    return f"{said}; {take(sim, process, asked, claimed)}"


def beat(sim: Simulation, rng: Random) -> str:
    process = sim.worker(rng)
    state = "stopping" if process.stopping else "running"
    cancelled = sim.do(process, process.store.beat(process.name, state), rng)
    must = sim.model.cancelled(process.name)
    require(set(cancelled) == must, f"to be cancelled are {must}, said was {cancelled}")
    check_renewed(sim, process)
    return process.name


def stop(sim: Simulation, rng: Random) -> str:
    process = sim.worker(rng)
    process.stopping = True
    return beat_of(sim, process)


def beat_of(sim: Simulation, process: Process) -> str:
    sim.world.do(process, process.store.beat(process.name, "stopping" if process.stopping else "running"))
    check_renewed(sim, process)
    return process.name


def leave(sim: Simulation, rng: Random) -> str:
    return _leave(sim, sim.worker(rng), rng)


def _leave(sim: Simulation, process: Process, rng: Random) -> str:
    sim.do(process, process.store.leave(process.name), rng)
    row = sim.rows.get(process.name)
    if row is not None:
        sim.take_back(replace(row, state="stopping"))
    sim.kill(process)
    return process.name


def kill(sim: Simulation, rng: Random) -> str:
    process = sim.worker(rng, busy=True)
    held = [lease.id for lease in process.leases]
    sim.kill(process)
    return f"{process.name} with {held}"


def hire(sim: Simulation, rng: Random) -> str:
    if sim.world.full:
        return "enough"
    tasks = frozenset(TASKS if rng.random() < 0.8 else TASKS[:1])
    process = sim.hire(rng.choice(("here", "here", "there")), tasks=tasks)
    return f"{process.name} {process.host} for {sorted(tasks)}"


def come_back(sim: Simulation, rng: Random) -> str:
    """A worker with a name of its own is started again after its death."""
    living = {process.name for process in sim.workers}
    gone = [name for name in sim.deaths if name.startswith("w") and name not in living]
    if sim.world.full or not gone:
        return "nobody"
    process = sim.hire(rng.choice(("here", "there")), rng.choice(gone))
    return f"{process.name} {process.host}"


def tick(sim: Simulation, rng: Random) -> str:
    """Fire what is due, perhaps by what the schedules were a while ago."""
    process = sim.worker(rng)
    plans = sim.old_plans if rng.random() < 0.5 else sim.world.do(process, process.store.schedules())
    listening = _Listening(sim, process, plans)
    sim.do(process, ticker.tick(listening.as_store, sim.now), rng)
    return f"{process.name}: {listening.said}"


class _Listening:
    """A store that shows given schedules, and holds each firing against the model."""

    def __init__(self, sim: Simulation, process: Process, plans: Sequence[ScheduleInfo]) -> None:
        self._sim = sim
        self._process = process
        self._plans = plans
        self.said: list[str] = []

    @property
    def as_store(self) -> Store:
        return self  # type: ignore[return-value]

    async def schedules(self) -> Sequence[ScheduleInfo]:
        return self._plans

    async def fire(self, name: str, due: float, next_at: float | None, jobs: Sequence[Job]) -> bool:
        fired = await self._process.store.fire(name, due, next_at, jobs)
        sim, plan = self._sim, self._sim.planned.get(name)
        require(fired == (plan is not None and plan.next_at == due), f"{name} at {due} fired: {fired}")
        if fired and plan is not None:
            self._note(plan, name, due, next_at)
            sim.model.fire(jobs, sim.now)
            self.said.append(f"{name} {[job.id[-4:] for job in jobs]} next {next_at}")
        return fired

    def _note(self, plan: object, name: str, due: float, next_at: float | None) -> None:
        sim = self._sim
        planned = sim.planned[name]
        firings, must = due_firings(planned.schedule.rule, due, sim.now, planned.schedule.missed)
        require(next_at == must, f"{name} fires next at {must}, not {next_at}")
        for moment in firings:
            sim.fired[name, planned.life, moment] += 1
            require(sim.fired[name, planned.life, moment] == 1, f"{name} fired twice for {moment}")
        planned.last_at, planned.next_at = due, next_at


def _any_outcome(rng: Random) -> Outcome:
    error = {"type": "ValueError", "message": "no"}
    return rng.choice(
        (
            Done(b"1"),
            Done(b"1"),
            Done(None, peak_memory=4096),
            Failed(error),
            Failed(error),
            Failed(error, retry=False),
            Crashed(error, "SIGSEGV"),
            Snoozed(rng.choice((0.0, 2.0, 50.0))),
            Cancelled("no need"),
            GivenBack(),
            GivenBack("it had not begun", begun=False),
            Undecodable("not JSON"),
        )
    )
