"""How a run ended and, by one pure function, what follows. It carries nothing out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .job import State

if TYPE_CHECKING:
    from .job import Lease
    from .options import Policy


@dataclass(frozen=True, slots=True)
class Done:
    """The task returned; `result` is its value, encoded, or None where the value was None."""

    result: bytes | None = None
    peak_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The task raised, or could not be run. `types` are the names of the exception's classes, the nearest first.

    `result` is what it had to show by then (JobContext.set_result).
    """

    error: dict[str, Any]
    types: tuple[str, ...] = ()
    retry: bool = True
    peak_memory: int | None = None
    result: bytes | None = None


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process that ran the task died under it. Counted apart from failures."""

    error: dict[str, Any]
    exit_signal: str | None = None
    peak_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The task asked to be run again after `delay` seconds; no attempt is used up."""

    delay: float


@dataclass(frozen=True, slots=True)
class Cancelled:
    reason: str
    result: bytes | None = None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The worker returns the job unfinished; no attempt is used up, and none at all where it had not `begun`."""

    reason: str = "the worker stopped"
    begun: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """This worker knows no such task; the job waits for one that does."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """The arguments cannot be read."""

    reason: str


Outcome = Done | Failed | Crashed | Snoozed | Cancelled | GivenBack | Unknown | Undecodable


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the job. `run_at` is set where it waits for a moment; `word` names the attempt in the history."""

    state: State
    word: str
    run_at: float | None = None
    failed: bool = False
    crashed: bool = False
    reason: str | None = None


SUCCEEDED = Verdict(State.SUCCEEDED, "succeeded")


def judge(lease: Lease, outcome: Outcome, policy: Policy, now: float) -> Verdict:
    """Decide what follows from `outcome`. The only place that decides."""
    match outcome:
        case Done():
            return SUCCEEDED
        case Failed():
            return _after_failure(lease, outcome, policy, now)
        case Snoozed(delay):
            return Verdict(State.SCHEDULED, "snoozed", run_at=now + delay)
        case Cancelled(reason=reason):
            return Verdict(State.CANCELLED, "cancelled", reason=reason)
        case Undecodable(reason):
            return Verdict(State.DEAD, "undecodable", reason=reason)
        case Unknown():
            return Verdict(State.PARKED, "unknown task", reason=f"no worker here knows the task {lease.task!r}")
        case GivenBack(reason, begun):
            verdict = Verdict(State.READY, "given back", reason=reason)
            return _unless_once(lease, verdict) if begun else verdict
        case Crashed():
            return _after_crash(lease, policy)


def _after_failure(lease: Lease, outcome: Failed, policy: Policy, now: float) -> Verdict:
    failures = lease.failures + 1
    if lease.at_most_once:
        reason = "it failed, and it runs at most once"
    elif not outcome.retry or not policy.retries(outcome.types):
        reason = "its error is one that is not retried"
    elif failures >= policy.attempts:
        reason = f"all {policy.attempts} attempts failed" if policy.attempts > 1 else "its only attempt failed"
    else:
        # Wherever it is imported, every process that is forked off has to seed it anew.
        from random import random

        delay = policy.delay_before(failures + 1, random)
        return Verdict(State.SCHEDULED, "failed", run_at=now + delay, failed=True)
    return Verdict(State.DEAD, "failed", failed=True, reason=reason)


def _after_crash(lease: Lease, policy: Policy) -> Verdict:
    crashes = lease.crashes + 1
    if crashes >= policy.crash_budget:
        reason = f"quarantined: it brought its process down {crashes} times"
        return Verdict(State.DEAD, "crashed", crashed=True, reason=reason)
    return _unless_once(lease, Verdict(State.READY, "crashed", crashed=True))


def _unless_once(lease: Lease, verdict: Verdict) -> Verdict:
    if not lease.at_most_once:
        return verdict
    return Verdict(State.DEAD, verdict.word, reason="it was interrupted, and it runs at most once")
