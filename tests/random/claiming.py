"""Holds the answer to a claim against what may be leased at that moment. It leases nothing itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from queuemgr.job import State

from .model import Known, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuemgr.job import Lease
    from queuemgr.store import Claim, Claimed

    from .model import Model


def take(model: Model, claim: Claim, claimed: Claimed, now: float) -> None:
    """Check the leases and note them down. Due jobs and those of the dead are in the model already."""
    offer = _Offer(model, claim)
    leased = [_leased(model, lease, now) for lease in claimed.leases]
    offer.check(leased, claim)
    for known, lease in zip(leased, claimed.leases, strict=True):
        known.state, known.worker = State.RUNNING, claim.worker
        known.attempt += 1
        known.started += 1
        known.progress = None
        require(
            known.attempt == lease.attempt, f"job {lease.id} is leased as attempt {lease.attempt}, not {known.attempt}"
        )


class _Offer:
    """What is there for a claim, before it is answered."""

    def __init__(self, model: Model, claim: Claim) -> None:
        asked = {name for name, _ in claim.queues} - model.paused
        here = [known for known in model.jobs.values() if known.job.queue in asked and claim.limit > 0]
        ready = [known for known in here if known.state is State.READY]
        parked = [known for known in here if known.state is State.PARKED and known.job.task in claim.tasks]
        self.fresh = [known for known in ready if not known.suspect]
        self.parked = [known for known in parked if not known.suspect]
        has_suspect = any(known.suspect for known in model.held_by(claim.worker))
        self.suspects = [] if has_suspect else [known for known in (*ready, *parked) if known.suspect]
        self.rooms = {queue: max(0, most - model.running(queue)) for queue, most in model.limits.items()}

    def check(self, leased: Sequence[Known], claim: Claim) -> None:
        ids = [known.job.id for known in leased]
        require(len(set(ids)) == len(ids), f"leased twice at once: {ids}")
        require(len(ids) <= claim.limit, f"{len(ids)} leased, {claim.limit} asked for")
        allowed = {known.job.id for known in (*self.fresh, *self.parked, *self.suspects)}
        require(set(ids) <= allowed, f"leased {set(ids) - allowed}, allowed were {allowed}")
        suspects = sum(known.suspect for known in leased)
        require(suspects <= 1, f"{suspects} jobs leased that have seen a worker die")
        got = Counter(known.job.queue for known in leased)
        fits = all(got[queue] <= room for queue, room in self.rooms.items())
        require(fits, f"leased {got}, there was room for {self.rooms}")
        if len(ids) < claim.limit:
            full = {queue for queue, room in self.rooms.items() if got[queue] == room}
            left = {x.job.id for x in (*self.fresh, *self.parked) if x.job.queue not in full} - set(ids)
            require(not left, f"slots stay free, and {left} could be leased")
            waits = any(known.job.queue not in full for known in self.suspects)
            require(suspects or not waits, "slots stay free, and a suspect could be leased")
        self._check_order(leased)
        self._check_shares(leased, claim)

    def _check_order(self, leased: Sequence[Known]) -> None:
        chosen = {known.job.id for known in leased}
        for queue in {known.job.queue for known in self.fresh}:
            line = sorted((known for known in self.fresh if known.job.queue == queue), key=_rank)
            taken = [known.job.id in chosen for known in line]
            require(
                taken == sorted(taken, reverse=True),
                f"in {queue} the order is {[x.job.id for x in line]}, leased were {chosen}",
            )
        ranks = [_rank(known) for known in leased]
        require(ranks == sorted(ranks), f"the leases are not in their order: {[x.job.id for x in leased]}")

    def _check_shares(self, leased: Sequence[Known], claim: Claim) -> None:
        suspects = sum(known.suspect for known in leased)
        if sum(share for _, share in claim.queues) > claim.limit - suspects:
            return
        there = Counter(known.job.queue for known in (*self.fresh, *self.parked))
        got = Counter(known.job.queue for known in leased if not known.suspect)
        probed = Counter(known.job.queue for known in leased if known.suspect)
        for queue, share in claim.queues:
            could = min(there[queue], self.rooms.get(queue, share) - probed[queue])
            require(got[queue] >= min(share, could), f"{queue} got {got[queue]} of its share of {share}, {could} could")


def _rank(known: Known) -> tuple[int, Any]:
    return -known.job.priority, known.order


def _leased(model: Model, lease: Lease, now: float) -> Known:
    known = model.jobs.get(lease.id)
    if known is None:
        raise AssertionError(f"leased a job that is not there: {lease.id}")
    job = known.job
    said = (lease.task, lease.queue, lease.failures, lease.crashes, lease.at_most_once, lease.args, lease.started_at)
    right = (job.task, job.queue, known.failures, known.crashes, job.at_most_once, job.args, now)
    require(said == right, f"the lease of {lease.id} says {said}, {right} is right")
    require(lease.options == job.options, f"the lease of {lease.id} has the options {lease.options}, not {job.options}")
    return known
