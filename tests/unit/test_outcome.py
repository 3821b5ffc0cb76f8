"""What follows from how a run ended."""

from __future__ import annotations

import pytest

from queuemgr.job import Lease, State
from queuemgr.options import Backoff, Options, policy_of
from queuemgr.outcome import (
    Cancelled,
    Crashed,
    Done,
    Failed,
    GivenBack,
    Outcome,
    Snoozed,
    Undecodable,
    Unknown,
    judge,
)

NOW = 1_000.0
FAILED = Failed({"message": "no"}, ("builtins.ValueError", "builtins.Exception"))


def lease(*, failures: int = 0, crashes: int = 0, once: bool = False) -> Lease:
    return Lease(1, "id", "task", "default", failures + 1, failures, crashes, once, None, b"[[]]", NOW)


def policy(**options: object):
    fixed = Backoff("fixed", 10, jitter=0)
    return policy_of(Options().changed({"backoff": fixed, **options}), "async")


def test_a_value_succeeds() -> None:
    assert judge(lease(), Done(b"1"), policy(), NOW).state is State.SUCCEEDED


def test_a_failure_is_retried_after_its_backoff_while_attempts_are_left() -> None:
    verdict = judge(lease(failures=1), FAILED, policy(attempts=3), NOW)
    assert (verdict.state, verdict.run_at, verdict.failed) == (State.SCHEDULED, NOW + 10, True)


def test_the_last_failure_is_dead_and_says_so() -> None:
    verdict = judge(lease(failures=2), FAILED, policy(attempts=3), NOW)
    assert (verdict.state, verdict.reason) == (State.DEAD, "all 3 attempts failed")


@pytest.mark.parametrize("option", [{"never_retry_on": ValueError}, {"retry_on": KeyError}])
def test_an_error_that_is_not_retried_is_dead_at_once(option: dict[str, object]) -> None:
    assert judge(lease(), FAILED, policy(**option), NOW).state is State.DEAD


@pytest.mark.parametrize("name", ["ValueError", "builtins.ValueError", Exception])
def test_an_error_is_retried_by_its_own_or_its_parents_name(name: object) -> None:
    assert judge(lease(), FAILED, policy(retry_on=(name,)), NOW).state is State.SCHEDULED


def test_what_had_not_begun_goes_back_even_if_it_runs_at_most_once() -> None:
    for once in (False, True):
        verdict = judge(lease(once=once), GivenBack("it had not begun", begun=False), policy(), NOW)
        assert (verdict.state, verdict.word, verdict.failed) == (State.READY, "given back", False)
    assert judge(lease(once=True), GivenBack(), policy(), NOW).state is State.DEAD


def test_what_cannot_be_retried_is_dead_whatever_the_attempts() -> None:
    assert judge(lease(), Failed({"message": "no"}, retry=False), policy(attempts=9), NOW).state is State.DEAD


def test_a_snooze_uses_up_no_attempt() -> None:
    verdict = judge(lease(), Snoozed(5), policy(), NOW)
    assert (verdict.state, verdict.run_at, verdict.failed) == (State.SCHEDULED, NOW + 5, False)


def test_a_crash_gives_the_job_back_until_its_budget_is_used_up() -> None:
    again = judge(lease(crashes=1), Crashed({"message": "x"}), policy(), NOW)
    last = judge(lease(crashes=2), Crashed({"message": "x"}), policy(), NOW)
    assert (again.state, again.crashed, again.failed) == (State.READY, True, False)
    assert last.state is State.DEAD
    assert "quarantined" in (last.reason or "")


@pytest.mark.parametrize("outcome", [FAILED, Crashed({"message": "x"}), GivenBack()])
def test_a_job_that_runs_at_most_once_never_runs_again(outcome: Outcome) -> None:
    assert judge(lease(once=True), outcome, policy(attempts=9), NOW).state is State.DEAD


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Cancelled("why"), State.CANCELLED),
        (GivenBack(), State.READY),
        (Unknown(), State.PARKED),
        (Undecodable("bytes"), State.DEAD),
    ],
)
def test_other_ends_have_their_place(outcome: Outcome, state: State) -> None:
    assert judge(lease(), outcome, policy(), NOW).state is state


def test_jitter_spreads_the_delay_around_the_backoff() -> None:
    jittered = policy(backoff=Backoff("fixed", 100, jitter=0.2))
    assert jittered.delay_before(2, lambda: 0.0) == pytest.approx(80)
    assert jittered.delay_before(2, lambda: 1.0) == pytest.approx(120)


@pytest.mark.parametrize(
    ("kind", "delays"), [("fixed", [2, 2, 2, 2]), ("linear", [2, 4, 6, 8]), ("exponential", [2, 4, 8, 10])]
)
def test_backoffs_grow_as_they_are_named_up_to_their_cap(kind: str, delays: list[float]) -> None:
    assert [Backoff(kind, 2, cap=10)(failures) for failures in (1, 2, 3, 4)] == delays


def test_a_huge_number_of_failures_does_not_overflow() -> None:
    assert Backoff("exponential", 1)(100_000) == 3600
