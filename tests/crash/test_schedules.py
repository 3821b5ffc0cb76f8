"""A worker dies as it fires a schedule: each firing is one job, neither lost nor doubled."""

from __future__ import annotations

import time

import pytest

from queuemgr.errors import JobExists
from queuemgr.job import Job, State, Unique
from queuemgr.recurrence import Every, Missed
from queuemgr.schedule import Schedule
from queuemgr.testing.history import problems_of, words_of

from .scene import Scene

pytestmark = pytest.mark.crash


def put(scene: Scene, seconds: float, late: float, missed: Missed) -> float:
    """A schedule that was due `late` seconds ago; returns when that was."""
    due = time.time() - late
    rule = Every(seconds, anchor=due)
    job = Job(id="pattern", task="async", args=b"[[]]")
    scene.do(scene.store.put_schedule(Schedule(name="tea", rule=rule, job=job, missed=missed), due))
    return due


def next_firing(scene: Scene) -> float | None:
    (info,) = scene.do(scene.store.schedules())
    return info.next_at


def check_each_ran_once(scene: Scene, number: int) -> None:
    jobs = scene.all_jobs()
    assert len(jobs) == number
    for job in jobs:
        assert (job.state, words_of(job), problems_of(job)) == (State.SUCCEEDED, ["succeeded"], [])
        assert scene.words(job.id) == ["start 1", "end 1"]
    assert len({job.created_at for job in jobs}) == number


def test_a_firing_that_was_not_committed_is_made_up_for(scene: Scene) -> None:
    due = put(scene, 3600.0, 5.0, Missed.ONCE)
    scene.dies("work", at="tick.inserted")
    assert scene.all_jobs() == []
    assert next_firing(scene) == due
    scene.finish()
    check_each_ran_once(scene, 1)
    assert next_firing(scene) == due + 3600


def test_a_firing_that_was_committed_is_not_repeated(scene: Scene) -> None:
    due = put(scene, 3600.0, 5.0, Missed.ONCE)
    scene.dies("work", at="tick.committed")
    assert len(scene.all_jobs()) == 1
    assert next_firing(scene) == due + 3600
    scene.finish()
    check_each_ran_once(scene, 1)


@pytest.mark.parametrize("point", ["tick.inserted", "tick.committed"])
def test_of_many_missed_firings_each_becomes_one_job(scene: Scene, point: str) -> None:
    due = put(scene, 1000.0, 3500.0, Missed.ALL)
    scene.dies("work", at=point)
    scene.finish()
    check_each_ran_once(scene, 4)
    assert {job.created_at for job in scene.all_jobs()} == {due + 1000 * n for n in range(4)}


@pytest.mark.parametrize("point", ["run.inside", "run.after", "settle.updated"])
def test_a_unique_key_is_held_until_the_interrupted_job_has_ended(scene: Scene, point: str) -> None:
    scene.enqueue("async", unique=Unique("tea"))
    scene.dies("work", at=point)
    with pytest.raises(JobExists):
        scene.enqueue("async", unique=Unique("tea"))
    scene.finish()
    scene.enqueue("async", unique=Unique("tea"))
    assert len(scene.all_jobs()) == 2


def test_a_unique_key_is_free_once_the_end_was_committed(scene: Scene) -> None:
    scene.enqueue("async", unique=Unique("tea"))
    scene.dies("work", at="settle.committed")
    scene.enqueue("async", unique=Unique("tea"))
    scene.finish()
    check_each_ran_once(scene, 2)
