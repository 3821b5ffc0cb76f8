"""What must hold after every step: what the store tells of jobs, workers and queues, held against the model.

It runs hundreds of thousands of times: what it has to say is put into words only once something is wrong.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from queuemgr.job import State
from queuemgr.store import KEEP, KEEP_DEAD
from queuemgr.testing.history import problems_of

from .model import Violation
from .world import BEGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import JobRecord

    from .model import Known
    from .simulation import Simulation
    from .world import Process


def check(sim: Simulation) -> None:
    with sim.world.looking(sim.producer):
        _check(sim)


def check_history(sim: Simulation, job_id: str) -> None:
    known, store = sim.model.jobs[job_id], sim.producer.store
    record: JobRecord = sim.ask(store.get(job_id))
    seen = [(attempt.number, attempt.worker, attempt.outcome) for attempt in record.attempts]
    if seen != known.history:
        raise Violation(f"job {job_id} has the history {seen} and must have {known.history}")
    if problems := problems_of(record, retried=known.retried, clock_jumps=True):
        raise Violation("; ".join(problems))
    if known.job.at_most_once and known.started > known.may_start:
        raise Violation(f"job {job_id} runs at most once, and ran {known.started} times")
    texts = [line.text for line in sim.ask(store.output(job_id))]
    if texts != known.output:
        raise Violation(f"job {job_id} said {texts} and must have said {known.output}")


def check_renewed(sim: Simulation, process: Process) -> None:
    """Its lease must be fresh now, by up to a third of a lease."""
    for row in sim.world.workers(sim.producer):
        if row.id == process.name:
            age = sim.now - row.beat_at
            if not 0 <= age < process.store.lease / 3:
                raise Violation(f"the lease of {row.id} is {age:.1f} s old after its beat")
            sim.rows[row.id] = row
            return
    raise Violation(f"worker {process.name} has beaten and nobody would notice its death")


def running_without_worker(sim: Simulation) -> Sequence[str]:
    """The jobs that are held for a worker that is dead."""
    living = {process.name for process in sim.workers}
    return [x.id for x in sim.records.values() if x.state is State.RUNNING and x.worker not in living]


def _check(sim: Simulation) -> None:
    before, after = sim.records, sim.world.records(sim.producer)
    sim.records = after
    jobs = sim.model.jobs
    if after.keys() != jobs.keys():
        raise Violation(f"lost {jobs.keys() - after.keys()}, unexpected {after.keys() - jobs.keys()}")
    changed = len(before) != len(after)
    for job_id, record in after.items():
        known = jobs[job_id]
        _check_job(record, known)
        old = before.get(job_id)
        if old is record:
            continue
        changed = changed or record != old
        if old is None:
            known.order = record.position
        if old is None or (old.attempt, old.state) != (record.attempt, record.state):
            check_history(sim, job_id)
    _check_hands(sim)
    _check_workers(sim)
    if changed:
        _check_unique(sim)
    _check_queues(sim)


def _check_job(record: JobRecord, known: Known) -> None:
    state = record.state
    seen = (state, record.attempt, record.failures, record.crashes, record.progress)
    must = (known.state, known.attempt, known.failures, known.crashes, known.progress)
    if seen != must:
        raise Violation(f"job {record.id} is {seen} and must be {must}")
    if state is State.RUNNING:
        hand, right = (record.worker, record.cancel_requested), (known.worker, known.cancel)
        if hand != right:
            raise Violation(f"job {record.id} runs at {hand} and must run at {right}")
    elif state is State.SCHEDULED:
        if record.run_at != known.run_at:
            raise Violation(f"job {record.id} is due at {record.run_at}, not {known.run_at}")
    elif state.finished:
        assert record.finished_at is not None
        right_end = record.finished_at + _kept(known)
        if record.expires_at != right_end:
            raise Violation(f"job {record.id} ({state.word}) is kept until {record.expires_at}, not {right_end}")


def _check_unique(sim: Simulation) -> None:
    holding: Counter[str | None] = Counter()
    for job_id, record in sim.records.items():
        if record.unique_key and not record.state.finished and not sim.model.jobs[job_id].displaced:
            holding[record.unique_key] += 1
    if any(n > 1 for n in holding.values()):
        raise Violation(f"more than one unfinished job for a key: {holding}")


def _check_hands(sim: Simulation) -> None:
    """No job is in the hands of two that live, unless one of them was silent for longer than a lease."""
    hands = [x.id for one in sim.workers for x in one.leases if (x.id, x.attempt) not in one.lost]
    if len(set(hands)) < len(hands):
        raise Violation(f"held by two workers at once: {Counter(hands)}")
    suspects = [k.worker for k in sim.model.jobs.values() if k.state is State.RUNNING and k.suspect]
    if len(set(suspects)) < len(suspects):
        raise Violation(f"more than one suspect at a worker: {Counter(suspects)}")


def _check_workers(sim: Simulation) -> None:
    seen = {row.id: row for row in sim.world.workers(sim.producer)}
    if seen.keys() != sim.rows.keys():
        raise Violation(f"the workers are {set(seen)} and must be {set(sim.rows)}")
    for name, row in sim.rows.items():
        if seen[name].state != row.state:
            raise Violation(f"worker {name} is {seen[name].state}, not {row.state}")
        if seen[name].beat_at != row.beat_at:
            raise Violation(f"worker {name} beat at {seen[name].beat_at - BEGIN}, not {row.beat_at - BEGIN}")


def _check_queues(sim: Simulation) -> None:
    counted = Counter((x.queue, x.state) for x in sim.records.values())
    infos = sim.world.queues(sim.producer)
    told = {(info.name, state): number for info in infos for state, number in info.counts.items()}
    if told != counted:
        raise Violation(f"queues() counts {told}, there are {dict(counted)}")
    if (limits := {info.name: info.limit for info in infos if info.limit is not None}) != sim.model.limits:
        raise Violation(f"queues() tells the limits {limits}, set are {sim.model.limits}")
    if (paused := {info.name for info in infos if info.paused}) != sim.model.paused:
        raise Violation(f"queues() says that {paused} are paused, right would be {sim.model.paused}")
    for queue, limit in sim.model.limits.items():
        running = counted[queue, State.RUNNING]
        if running > sim.ceilings[queue]:
            raise Violation(f"{running} jobs of {queue} run, its limit is {limit}")
        # What ran when the limit was set may go on, and nothing may take its place.
        sim.ceilings[queue] = max(limit, running)


def _kept(known: Known) -> float:
    keep = known.job.keep
    if known.state is State.DEAD:
        return max(keep or 0.0, KEEP_DEAD)
    return KEEP if keep is None else keep
