"""What is done too often is told to wait, and how long; nobody fills the memory by it."""

from __future__ import annotations

import pytest

from queuemgr.service.access import attempts
from queuemgr.service.access.attempts import FailedLogins, Pace, network_of
from queuemgr.service.failures import TooManyAttempts
from queuemgr.testing.clock import ManualClock


def test_five_failures_in_a_minute_are_let_pass_and_the_next_is_told_when_to_come_again(clock: ManualClock) -> None:
    logins = FailedLogins(5, 60, clock)
    for _ in range(5):
        logins.failed("10.0.0.1")
        clock.advance(2)
    with pytest.raises(TooManyAttempts, match=r"5 logins from 10\.0\.0\.1") as refused:
        logins.require_few("10.0.0.1")
    assert refused.value.headers == (("retry-after", "50"),)
    clock.advance(49.9)
    with pytest.raises(TooManyAttempts):
        logins.failed("10.0.0.1")
    clock.advance(0.1)
    logins.require_few("10.0.0.1")


def test_a_refused_attempt_does_not_make_the_wait_longer(clock: ManualClock) -> None:
    logins = FailedLogins(1, 60, clock)
    logins.failed("10.0.0.1")
    for _ in range(100):
        with pytest.raises(TooManyAttempts):
            logins.failed("10.0.0.1")
    clock.advance(60)
    logins.require_few("10.0.0.1")


def test_one_address_does_not_pay_for_another_and_coming_in_forgets_failures(clock: ManualClock) -> None:
    logins = FailedLogins(1, 60, clock)
    logins.failed("10.0.0.1")
    logins.require_few("10.0.0.2")
    logins.forget("10.0.0.1")
    logins.require_few("10.0.0.1")


def test_whoever_has_one_address_of_a_network_of_ipv6_has_them_all(clock: ManualClock) -> None:
    logins = FailedLogins(1, 60, clock)
    logins.failed("2001:db8::1")
    with pytest.raises(TooManyAttempts):
        logins.require_few("2001:db8:0:0:ffff::2")
    logins.require_few("2001:db8:0:1::1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1")


@pytest.mark.parametrize("address", [None, "", "unix:", "10.0.0.1\r\n", "x" * 100_000])
def test_what_is_no_address_counts_as_one(clock: ManualClock, address: str | None) -> None:
    logins = FailedLogins(1, 60, clock)
    logins.failed(None)
    with pytest.raises(TooManyAttempts):
        logins.failed(address)
    assert len(logins) == 1


def test_the_memory_of_failures_is_bounded(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST", 100)
    logins, pace = FailedLogins(5, 60, clock), Pace(clock)
    for n in range(1000):
        logins.failed(f"10.0.{n // 256}.{n % 256}")
        pace.count(f"t{n}", 5)
    assert len(logins) == 100
    assert len(pace) == 100


def test_failures_whose_time_is_over_are_forgotten(clock: ManualClock) -> None:
    logins = FailedLogins(5, 60, clock)
    logins.failed("10.0.0.1")
    clock.advance(60)
    logins.require_few("10.0.0.1")
    assert len(logins) == 0


def test_a_token_may_ask_so_often_in_a_minute_and_then_at_a_steady_pace(clock: ManualClock) -> None:
    pace = Pace(clock)
    for _ in range(60):
        pace.count("agent", 60)
    with pytest.raises(TooManyAttempts, match="agent may ask 60 times") as refused:
        pace.count("agent", 60)
    assert refused.value.retry_after == pytest.approx(1)
    pace.count("other", 60)
    clock.advance(1)
    pace.count("agent", 60)
    with pytest.raises(TooManyAttempts):
        pace.count("agent", 60)
    clock.advance(3600)
    for _ in range(60):
        pace.count("agent", 60)
