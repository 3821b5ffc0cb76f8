"""A worker is killed at each named point of a job's way, and another one finishes what it left."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest

from queuemgr import fault
from queuemgr.job import State
from queuemgr.store import Query
from queuemgr.testing.history import problems_of, words_of
from tests.servers.process import PATIENCE, until

from .scene import EXECUTORS, Scene

pytestmark = pytest.mark.crash


@dataclass(frozen=True, slots=True)
class Expected:
    """`history` is how the attempts end, `marks` what the runs leave."""

    history: tuple[str, ...]
    marks: tuple[str, ...]
    crashes: int = 0


ONCE = Expected(("succeeded",), ("start 1", "end 1"))
BEFORE_ITS_BODY = Expected(("interrupted", "succeeded"), ("start 2", "end 2"), crashes=1)
AFTER_ITS_BODY = Expected(("interrupted", "succeeded"), ("start 1", "end 1", "start 2", "end 2"), crashes=1)
CUT_OFF = Expected(("interrupted", "succeeded"), ("start 1", "start 2", "end 2"), crashes=1)
GIVEN_BACK = Expected(("given back", "succeeded"), ("start 1", "start 2", "end 2"))

ON_ITS_WAY = {
    "claim.updated": ONCE,
    "claim.committed": BEFORE_ITS_BODY,
    "run.before": BEFORE_ITS_BODY,
    "run.inside": BEFORE_ITS_BODY,
    "run.after": AFTER_ITS_BODY,
    "settle.updated": AFTER_ITS_BODY,
    "settle.committed": ONCE,
}
ELSEWHERE = {
    "claim.ahead",
    "enqueue.inserted",
    "enqueue.committed",
    "promote.updated",
    "reclaim.updated",
    "tick.inserted",
    "tick.committed",
    "stop.draining",
    "stop.released",
}
IN_THE_WORKER = ("async", "thread")


def check(scene: Scene, job_id: str, expected: Expected) -> None:
    """The whole history of the job, its result, and the marks of its runs."""
    record = scene.get(job_id)
    assert record.state is State.SUCCEEDED
    assert words_of(record) == list(expected.history)
    assert (record.failures, record.crashes) == (0, expected.crashes)
    assert problems_of(record) == []
    assert scene.result(job_id) == b'"well done"'
    assert scene.words(job_id) == list(expected.marks)
    assert scene.overlaps() == []
    assert scene.count_running() == 0


def test_every_named_point_is_tried_here() -> None:
    assert set(fault.POINTS) == {*ON_ITS_WAY, *ELSEWHERE}


@pytest.mark.parametrize(
    ("point", "executor"),
    [
        (point, executor)
        for point in ON_ITS_WAY
        for executor in EXECUTORS
        # In the others it is the job's own process that dies there: test_processes.py.
        if point != "run.inside" or executor in IN_THE_WORKER
    ],
)
def test_a_job_survives_its_worker_at(scene: Scene, point: str, executor: str) -> None:
    (job_id,) = scene.enqueue(executor)
    scene.dies("work", at=point)
    scene.finish()
    check(scene, job_id, ON_ITS_WAY[point])


@pytest.mark.parametrize("point", ON_ITS_WAY)
def test_a_job_that_runs_at_most_once_never_runs_twice_if_its_worker_dies_at(scene: Scene, point: str) -> None:
    (job_id,) = scene.enqueue("thread", at_most_once=True)
    scene.dies("work", at=point)
    scene.finish()
    record = scene.get(job_id)
    assert problems_of(record) == []
    assert len(record.attempts) == 1
    assert [mark.word for mark in scene.marks()].count("start") <= 1
    if ON_ITS_WAY[point] is ONCE:
        assert record.state is State.SUCCEEDED
    else:
        assert (record.state, words_of(record)) == (State.DEAD, ["interrupted"])
        assert "at most once" in str(record.error)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_survives_a_worker_that_dies_before_it_could_say_that_it_stops(scene: Scene, executor: str) -> None:
    (job_id,) = scene.enqueue(executor, 30)
    worker = scene.start("serve", die_at="stop.draining")
    scene.until_marked()
    worker.terminate()
    assert worker.wait(PATIENCE) == -signal.SIGKILL
    scene.finish()
    check(scene, job_id, CUT_OFF)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_was_given_back_before_its_worker_dies_at_its_very_end(scene: Scene, executor: str) -> None:
    (job_id,) = scene.enqueue(executor, 30)
    worker = scene.start("serve", "grace=0", die_at="stop.released")
    scene.until_marked()
    worker.terminate()
    assert worker.wait(PATIENCE) == -signal.SIGKILL
    assert words_of(scene.get(job_id)) == ["given back"]
    scene.finish()
    check(scene, job_id, GIVEN_BACK)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_delayed_job_survives_a_worker_that_dies_as_it_becomes_ready(scene: Scene, executor: str) -> None:
    job_id, due = delayed(scene, executor)
    until(lambda: scene.store.clock.now() > due)
    scene.dies("work", at="promote.updated")
    assert scene.get(job_id).state is State.SCHEDULED
    scene.finish()
    check(scene, job_id, ONCE)


def delayed(scene: Scene, executor: str) -> tuple[str, float]:
    """A job that waited when it was stored, and when it is due: as soon as this machine is quick enough for."""
    for delay in (0.05, 0.5, 5.0, 20.0):
        due = scene.store.clock.now() + delay
        (job_id,) = scene.enqueue(executor, run_at=due)
        if scene.get(job_id).state is State.SCHEDULED:
            return job_id, due
        scene.do(scene.store.change("delete", Query(ids=(job_id,))))
    raise AssertionError("the store takes more than 20 s for a job")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_survives_its_worker_and_the_one_that_was_about_to_take_it_back(scene: Scene, executor: str) -> None:
    (job_id,) = scene.enqueue(executor)
    scene.dies("work", "pulse=0", at="run.before")
    scene.dies("work", at="reclaim.updated")
    assert scene.get(job_id).state is State.RUNNING
    scene.finish()
    check(scene, job_id, BEFORE_ITS_BODY)


def test_jobs_sent_together_are_all_there_or_none_if_the_sender_dies_before_its_commit(scene: Scene) -> None:
    scene.dies("enqueue", "3", at="enqueue.inserted")
    assert scene.all_jobs() == []


def test_jobs_are_all_there_if_the_sender_dies_after_its_commit(scene: Scene) -> None:
    scene.dies("enqueue", "3", at="enqueue.committed")
    jobs = scene.all_jobs()
    assert [job.state for job in jobs] == [State.READY] * 3
    scene.finish()
    for job in jobs:
        check(scene, job.id, ONCE)


def test_one_job_is_there_whole_or_not_at_all_if_its_sender_dies_in_its_midst(scene: Scene) -> None:
    scene.dies("enqueue", "1", at="enqueue.inserted")
    scene.finish()
    for job in scene.all_jobs():
        check(scene, job.id, ONCE)


def test_a_worker_dies_again_and_again_and_the_jobs_it_has_ended_are_not_run_again(scene: Scene) -> None:
    jobs = scene.enqueue("thread", number=40)
    for nth in (1, 2, 3):
        scene.dies("work", "concurrency=4", at=f"settle.committed:{nth}")
    scene.finish()
    for job_id in jobs:
        record = scene.get(job_id)
        assert (record.state, problems_of(record)) == (State.SUCCEEDED, [])
        ended = [mark.attempt for mark in scene.marks(job_id) if mark.word == "end"]
        assert ended[-1] == record.attempt
    assert scene.overlaps() == []
    until(lambda: scene.count_running() == 0)
