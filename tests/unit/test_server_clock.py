"""A server's clock is followed within the bounds that its answers set."""

from __future__ import annotations

import pytest

from queuemgr.clock import ServerClock
from queuemgr.testing.clock import ManualClock

AHEAD = 1000.0


@pytest.fixture
def own() -> ManualClock:
    return ManualClock(now=5000.0)


@pytest.fixture
def clock(own: ManualClock) -> ServerClock:
    """Knows the server's time to within 5 ms."""
    clock = ServerClock(own)
    asked_at = own.monotonic()
    own.advance(0.010)
    clock.heard(asked_at + 0.005 + AHEAD, asked_at)
    return clock


def test_it_is_this_machines_until_the_server_was_heard(own: ManualClock) -> None:
    assert ServerClock(own).now() == own.now()


def test_the_server_spoke_halfway_between_question_and_answer(own: ManualClock, clock: ServerClock) -> None:
    assert clock.now() == pytest.approx(own.monotonic() + AHEAD)


@pytest.mark.parametrize("said_after", [0.1, 0.5, 0.9])
def test_a_slow_answer_says_nothing_new(own: ManualClock, clock: ServerClock, said_after: float) -> None:
    asked_at = own.monotonic()
    own.advance(1.0)
    clock.heard(asked_at + said_after + AHEAD, asked_at)
    assert clock.now() == pytest.approx(own.monotonic() + AHEAD)


def test_what_a_slow_answer_says_has_happened_by_then(own: ManualClock, clock: ServerClock) -> None:
    asked_at = own.monotonic()
    own.advance(1.0)
    moment = own.monotonic() + AHEAD + 0.003
    clock.heard(moment, asked_at)
    assert clock.now() == pytest.approx(moment)


def test_a_slow_answer_was_given_after_its_question(own: ManualClock, clock: ServerClock) -> None:
    asked_at = own.monotonic()
    own.advance(1.0)
    moment = asked_at + AHEAD - 0.003
    clock.heard(moment, asked_at)
    assert clock.now() == pytest.approx(moment + 1.0)
