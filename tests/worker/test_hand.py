"""How many leases a worker keeps at hand, which ones, and for how long; by a clock that is turned by hand."""

from __future__ import annotations

from typing import Any

import pytest

from queuemgr import App
from queuemgr.hand import AHEAD, FLOOD, MOST, PATIENCE, SHORT, SHY, Hand
from queuemgr.job import Lease

from .rig import run


class Clock:
    def __init__(self) -> None:
        self.moment = 1000.0

    def now(self) -> float:
        return self.moment

    monotonic = now


class Scene:
    """A hand, and what it gave back."""

    def __init__(self, slots: int = 50, *, remote: bool = False) -> None:
        self.app = App("sqlite:///never-opened.db")
        self.app.task(name="mow")(lambda: None)
        self.app.task(name="once a life", crash_budget=1)(lambda: None)
        self.clock = Clock()
        self.back: list[str] = []
        tasks, back = self.app.tasks, self.back
        self.hand = Hand(slots, self.clock, tasks, lambda leases: back.extend(one.id for one in leases), remote=remote)

    def end(self, number: int, held: float, *, within: float = AHEAD) -> None:
        """So many jobs end within so many seconds from now, and a hair's breadth more."""
        self.hand.wanted(1)
        self.clock.moment += within * 1.0001
        for _ in range(number):
            self.hand.ended(held)

    def trust(self) -> None:
        """As after many claims that were answered in full."""
        for _ in range(10):
            self.hand.keep([], all_came=True)

    def keep(self, *ids: str, **what: Any) -> None:
        self.hand.keep([lease(one, **what) for one in ids], all_came=True)

    def take_all(self) -> list[str]:
        return [one.id for one in iter(self.hand.take, None)]


def lease(job_id: str, **what: Any) -> Lease:
    plain: dict[str, Any] = {
        "task": "mow",
        "queue": "q",
        "attempt": 1,
        "failures": 0,
        "crashes": 0,
        "at_most_once": False,
        "options": None,
        "args": b"[[]]",
        "started_at": 0.0,
    }
    return Lease(key=1, id=job_id, **{**plain, **what})


def in_a_loop(test: Any) -> None:
    async def scene() -> None:
        test(Scene())

    run(scene)


def test_a_worker_of_which_nothing_is_known_claims_for_its_free_slots_only() -> None:
    scene = Scene()
    scene.trust()
    assert [scene.hand.wanted(free) for free in (3, 1, 0)] == [3, 1, 0]


def test_as_many_are_claimed_ahead_as_have_ended_within_a_moment() -> None:
    scene = Scene()
    scene.trust()
    scene.end(80, 0.01)
    assert scene.hand.wanted(0) == 80
    assert scene.hand.wanted(50) == 130


def test_there_is_a_bound_on_what_is_claimed_ahead() -> None:
    scene = Scene()
    scene.trust()
    scene.end(5000, 0.01)
    assert scene.hand.wanted(0) == MOST


@pytest.mark.parametrize(("slots", "ahead"), [(1, 15), (10, 6), (16, 0), (50, 0)])
def test_where_jobs_wait_for_the_processor_only_few_slots_are_helped_out(slots: int, ahead: int) -> None:
    scene = Scene(slots)
    scene.trust()
    scene.end(1000, FLOOD * slots / 2)
    assert (scene.hand.wanted(0), scene.hand.wanted(slots)) == (ahead, slots + ahead)


@pytest.mark.parametrize(("held", "flooded"), [(FLOOD * 25, True), (FLOOD * 100, False)])
def test_it_knows_whether_jobs_wait_for_the_processor(held: float, flooded: bool) -> None:
    scene = Scene(50)
    assert not scene.hand.flooded
    scene.end(1000, held)
    assert scene.hand.flooded is flooded


@pytest.mark.parametrize("slots", [2, 50])
def test_a_server_claims_while_this_process_runs_even_what_waits_for_the_processor(slots: int) -> None:
    scene = Scene(slots, remote=True)
    scene.trust()
    scene.end(1000, FLOOD * slots / 2)
    assert scene.hand.wanted(slots) == slots + MOST


@pytest.mark.parametrize("held", [2 * SHORT, 3.0])
def test_nothing_is_claimed_ahead_where_jobs_take_long_however_many_end_at_once(held: float) -> None:
    scene = Scene()
    scene.trust()
    scene.end(500, held)
    assert (scene.hand.wanted(0), scene.hand.wanted(7)) == (0, 7)


def test_nothing_is_claimed_ahead_once_nothing_ends_any_more() -> None:
    scene = Scene()
    scene.trust()
    scene.end(80, 0.01)
    assert scene.hand.wanted(0) == 80
    scene.clock.moment += 60
    assert scene.hand.wanted(0) == 0


def test_where_a_queue_had_less_than_was_asked_for_claims_ahead_begin_small_again() -> None:
    scene = Scene()
    scene.trust()
    scene.end(80, 0.01)
    scene.hand.keep([], all_came=False)
    wanted = [scene.hand.wanted(0)]
    for _ in range(4):
        scene.hand.keep([], all_came=True)
        wanted.append(scene.hand.wanted(0))
    assert wanted == [0, 1, 3, 7, 15]


def test_no_more_is_claimed_while_half_of_it_is_at_hand() -> None:
    def test(scene: Scene) -> None:
        scene.trust()
        scene.end(80, 0.01)
        scene.end(16, 0.01)
        assert scene.hand.wanted(0) == 16
        scene.keep(*"abcdefghijklmnop")
        for left, wanted in ((15, 0), (10, 0), (9, 0), (8, 8), (5, 11), (0, 16)):
            while len(scene.hand) > left:
                assert scene.hand.take() is not None
            assert (len(scene.hand), scene.hand.wanted(0), scene.hand.low) == (left, wanted, wanted > 0)

    in_a_loop(test)


def test_what_came_first_begins_first() -> None:
    def test(scene: Scene) -> None:
        scene.keep("a", "b")
        scene.keep("c")
        assert scene.take_all() == ["a", "b", "c"]

    in_a_loop(test)


def test_what_has_waited_too_long_goes_back_and_never_begins() -> None:
    def test(scene: Scene) -> None:
        scene.keep("a", "b")
        scene.clock.moment += PATIENCE / 2
        scene.keep("c")
        scene.clock.moment += PATIENCE / 2
        assert scene.take_all() == ["c"]
        assert scene.back == ["a", "b"]

    in_a_loop(test)


def test_for_a_while_after_that_nothing_is_claimed_ahead() -> None:
    def test(scene: Scene) -> None:
        scene.keep("a")
        scene.clock.moment += PATIENCE
        scene.hand.tend()
        scene.trust()
        scene.end(80, 0.01)
        assert scene.hand.wanted(0) == 0
        scene.clock.moment += SHY
        scene.hand.wanted(1)
        scene.end(80, 0.01)
        assert scene.hand.wanted(0) == 80

    in_a_loop(test)


@pytest.mark.parametrize(
    "what",
    [{"at_most_once": True}, {"crashes": 1}, {"task": "once a life"}, {"options": {"crash_budget": 1}}],
    ids=["at most once", "a suspect", "a task that may crash once", "a call that may crash once"],
)
def test_what_cannot_bear_the_death_of_its_worker_never_waits(what: dict[str, Any]) -> None:
    def test(scene: Scene) -> None:
        scene.hand.keep([lease("a"), lease("b", **what), lease("c")], all_came=True)
        assert scene.back == ["b"]
        assert scene.take_all() == ["a", "c"]
        scene.end(80, 0.01)
        assert scene.hand.wanted(0) == 0

    in_a_loop(test)


def test_a_job_that_may_crash_more_often_by_its_call_than_by_its_task_waits() -> None:
    def test(scene: Scene) -> None:
        scene.keep("a", task="once a life", options={"crash_budget": 2})
        assert scene.take_all() == ["a"]

    in_a_loop(test)


def test_one_that_is_dropped_neither_begins_nor_goes_back() -> None:
    def test(scene: Scene) -> None:
        scene.keep("a", "b", "c")
        dropped = scene.hand.drop("b")
        assert dropped is not None
        assert dropped.id == "b"
        assert scene.hand.drop("b") is None
        assert scene.take_all() == ["a", "c"]
        assert not scene.back

    in_a_loop(test)


def test_all_of_it_goes_back_at_once_when_nothing_may_begin_any_more() -> None:
    def test(scene: Scene) -> None:
        scene.keep("a", "b")
        scene.hand.empty()
        assert scene.back == ["a", "b"]
        assert scene.take_all() == []

    in_a_loop(test)


def test_giving_back_because_of_a_stop_says_nothing_of_how_long_jobs_take() -> None:
    def test(scene: Scene) -> None:
        scene.trust()
        scene.end(80, 0.01)
        scene.keep(*map(str, range(30)))
        scene.hand.empty()
        assert scene.hand.wanted(0) == 80

    in_a_loop(test)
