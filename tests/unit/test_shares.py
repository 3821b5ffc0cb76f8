"""Slots are divided by weight, fairly over time."""

from __future__ import annotations

from collections import Counter

import pytest

from queuemgr.errors import ConfigError
from queuemgr.shares import Shares


def test_single_slots_alternate_by_weight() -> None:
    shares = Shares({"a": 2, "b": 1})
    first = [shares.of(1)[0][0] for _ in range(6)]
    assert first == ["a", "b", "a", "a", "b", "a"]


def test_many_slots_are_divided_by_weight() -> None:
    assert dict(Shares({"a": 3, "b": 1, "c": 2}).of(60)) == {"a": 30, "b": 10, "c": 20}


def test_every_queue_is_asked_even_without_a_share() -> None:
    assert {name for name, _ in Shares({"a": 9, "b": 1}).of(1)} == {"a", "b"}


def test_shares_are_exact_over_time_whatever_the_number_of_slots() -> None:
    shares, given = Shares({"a": 5, "b": 2, "c": 1}), Counter[str]()
    for slots in [1, 7, 3, 2, 1, 5, 9, 4] * 10:
        given.update(dict(shares.of(slots)))
    assert given == {"a": 200, "b": 80, "c": 40}


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 1, "b": -1}])
def test_a_weight_below_one_is_refused(weights: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="weight"):
        Shares(weights)


def test_a_list_of_names_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"maps names to weights.*\['mail'\]"):
        Shares(["mail"])  # type: ignore[arg-type]
