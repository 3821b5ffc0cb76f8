"""The random runs are worth something: a store that is broken on purpose is found out within few seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest

from queuemgr.store import Enqueued
from queuemgr.stores.sqlite import control, limits, reclaim, schedules, statements, unique

from .runs import replay, run, shorten
from .test_random import world  # noqa: F401 - a fixture
from .world import World

SEEDS = 60


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One fault in the store: in place of `name` in `home` stands what `make` makes of it."""

    title: str
    home: Any
    name: str
    make: Callable[[Any], Any]


def _instead(*changes: tuple[str, str]) -> Callable[[str], str]:
    """The statement with these parts changed; each takes as many values as before."""

    def change(statement: str) -> str:
        for part, other in changes:
            assert part in statement
            statement = statement.replace(part, other)
        return statement

    return change


def _never(original: Any) -> Any:
    return lambda *args, **kwargs: None


def _always_dead(original: Any) -> Any:
    return lambda row, now: True


def _run_again_however_often(original: Any) -> Any:
    return lambda crashes, budget, once, cancel, *, blamed: original(crashes, budget, False, cancel, blamed=blamed)


def _take_the_key(original: Any) -> Any:
    return lambda connection, job, now: Enqueued(job.id)


def _fire_without_a_look(original: Any) -> Any:
    def fire(name: str, due: float, *rest: Any) -> bool:
        connection = rest[-1]
        connection.execute("UPDATE queuemgr_schedules SET next_at = ? WHERE name = ?", (due, name))
        fired: bool = original(name, due, *rest)
        return fired

    return fire


def _join_without_a_look(original: Any) -> Any:
    return lambda worker, now, connection: control.join(worker, connection)


_ANY_ATTEMPT = ("attempt = ? AND", "? IS NOT NULL AND")
_ANY_STATE = ("worker = ? AND state = 2", "? IS NOT NULL")

SABOTAGES = (
    Sabotage("an old token may end a run", statements, "SUCCEED", _instead(_ANY_ATTEMPT)),
    Sabotage("an old token may send a job back", statements, "AGAIN", _instead(_ANY_ATTEMPT, _ANY_STATE)),
    Sabotage("jobs are taken from the living", reclaim, "_is_dead", _always_dead),
    Sabotage("nobody looks for the dead", reclaim, "take_back_from_the_dead", lambda _: lambda *_: 0),
    Sabotage("a job for one run is run again", reclaim, "_fate", _run_again_however_often),
    Sabotage("unique keys are not looked at", unique, "resolve", _take_the_key),
    Sabotage("unique keys are never freed", control, "free_unique", _never),
    Sabotage("an old firing fires again", schedules, "fire", _fire_without_a_look),
    Sabotage(
        "suspects are leased side by side",
        statements,
        "SUSPECT",
        _instead(("worker = ? AND crashes > 0", "worker = ? AND crashes > 0 AND seq < 0")),
    ),
    Sabotage("age comes before priority", statements, "READY", _instead(("priority DESC, seq", "seq"))),
    Sabotage("a namesake keeps the jobs of the dead", reclaim, "join", _join_without_a_look),
    Sabotage("limits are not looked at", limits, "rooms", lambda _: lambda connection: {}),
    Sabotage(
        "what runs elsewhere takes no room", limits, "ROOM", _instead(("state = 2", "state = 2 AND worker IS NULL"))
    ),
    Sabotage("a delayed job waits for ever", statements, "PROMOTE", _instead(("run_at <= ?", "run_at < ? - 1e9"))),
)


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.title)
def test_a_store_is_found_out_in_which(world: World, sabotage: Sabotage) -> None:  # noqa: F811
    broken = sabotage.make(getattr(sabotage.home, sabotage.name))
    with mock.patch.object(sabotage.home, sabotage.name, broken):
        failures = (run(world, seed) for seed in range(SEEDS))
        failure = next((one for one in failures if one is not None), None)
        assert failure is not None
        assert failure.kind == "Violation"
        short = shorten(world, failure, budget=60)
        assert len(short.operations) < len(failure.operations)
    assert replay(world, failure.seed, failure.operations) is None
