"""Makes runs from seeds, ends each by letting everything come to rest, and shortens those that fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.options import DEFAULT_POLICY
from queuemgr.outcome import Done, judge
from queuemgr.settle import settlement_of
from queuemgr.store import Claim, Query

from .checking import check, check_history, running_without_worker
from .model import require
from .operations import NAMES, OPERATIONS, WEIGHTS
from .simulation import QUEUES, TASKS, Operation, Simulation
from .working import beat_of, note_settled, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .world import Process, World

LENGTH = 80
ROUNDS = 400


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that broke the contract: how, and all that had happened until then."""

    seed: int
    operations: Sequence[Operation]
    said: str
    trace: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.said.partition(":")[0]

    def __str__(self) -> str:
        lines = "\n".join(self.trace)
        return f"seed {self.seed}, {len(self.operations)} operations:\n{lines}\n\n{self.said}"


def operations_of(seed: int, length: int = LENGTH) -> list[Operation]:
    rng = Random(seed)
    names = rng.choices(NAMES, WEIGHTS, k=length)
    return [Operation(name, rng.getrandbits(48)) for name in names]


def run(world: World, seed: int, length: int = LENGTH) -> Failure | None:
    return replay(world, seed, operations_of(seed, length))


def replay(world: World, seed: int, operations: Sequence[Operation]) -> Failure | None:
    """Carry out these operations in an empty store; None where all was well."""
    sim = Simulation(world)
    try:
        carry_out(sim, operations)
    except Exception as error:  # whatever the store raises unasked is a failure, too
        return Failure(seed, operations, f"{type(error).__name__}: {error}", sim.trace)
    return None


def trace_of(world: World, operations: Sequence[Operation]) -> list[str]:
    sim = Simulation(world)
    carry_out(sim, operations)
    return sim.trace


def carry_out(sim: Simulation, operations: Sequence[Operation]) -> None:
    for operation in operations:
        sim.step(operation, OPERATIONS[operation.name][1])
    come_to_rest(sim)


def shorten(world: World, failure: Failure, budget: int = 400) -> Failure:
    """Leave out operations, many at a time and then one by one, as long as the run still fails."""
    size = max(1, len(failure.operations) // 2)
    while size and budget > 0:
        start, shorter = 0, False
        while start < len(failure.operations) and budget > 0:
            rest = [*failure.operations[:start], *failure.operations[start + size :]]
            budget -= 1
            smaller = replay(world, failure.seed, rest)
            if smaller is None or smaller.kind != failure.kind:
                start += size
            else:
                failure, shorter = smaller, True
        size = size if shorter and size == 1 else size // 2
    return failure


def come_to_rest(sim: Simulation) -> None:
    """No more faults: whoever lives works on, and in the end every job has ended as it may and nothing runs."""
    store = sim.producer.store
    for queue in QUEUES:
        sim.world.do(sim.producer, store.resume(queue))
        sim.model.paused.discard(queue)
    for name in list(sim.planned):
        sim.world.do(sim.producer, store.remove_schedule(name))
        del sim.planned[name]
    held = [job_id for job_id, known in sim.model.jobs.items() if known.state is State.HELD]
    sim.world.do(sim.producer, store.change("release", Query(states=(State.HELD,))))
    sim.model.change("release", held, sim.now, {})
    if sim.world.full:
        sim.kill(sim.workers[0])
    last = sim.hire("here")
    began = sim.world.clock.monotonic()
    for _ in range(ROUNDS):
        if all(known.state.finished for known in sim.model.jobs.values()):
            break
        _work_a_round(sim, last)
        if sim.world.clock.monotonic() - began > 2 * (store.lease + sim.world.patrol):
            stuck = running_without_worker(sim)
            require(not stuck, f"still held for workers that are dead: {stuck}")
    unfinished = [job_id for job_id, known in sim.model.jobs.items() if not known.state.finished]
    require(not unfinished, f"lost: {unfinished} never ended")
    for job_id in sim.model.jobs:
        check_history(sim, job_id)


def _work_a_round(sim: Simulation, last: Process) -> None:
    for process in sim.workers:
        beat_of(sim, process)
        _finish_all(sim, process)
    asked = Claim(worker=last.name, queues=[(name, 50) for name in QUEUES], limit=150, tasks=frozenset(TASKS))
    claimed = sim.world.do(last, last.store.claim(asked))
    sim.trace.append(f"at rest: {take(sim, last, asked, claimed)}")
    waits = min((x.run_at for x in sim.model.jobs.values() if x.state is State.SCHEDULED and x.run_at), default=0.0)
    check(sim)
    sim.world.clock.pass_by(5.0 if claimed.leases or running_without_worker(sim) else max(5.0, waits - sim.now))


def _finish_all(sim: Simulation, process: Process) -> None:
    leases, process.leases = process.leases, []
    verdicts = [(lease, judge(lease, Done(b"2"), DEFAULT_POLICY, sim.now)) for lease in leases]
    settlements = [settlement_of(lease, Done(b"2"), verdict, process.name, sim.now) for lease, verdict in verdicts]
    if settlements:
        taken = sim.world.do(process, process.store.settle(settlements))
        sim.trace.append(f"at rest: {process.name} {note_settled(sim, settlements, taken)}")
