"""A worker is killed while it has jobs at hand that have not begun: none is lost, and each runs."""

from __future__ import annotations

import signal

import pytest

from queuemgr.job import JobRecord, State
from queuemgr.testing.history import problems_of, words_of
from tests.servers.process import PATIENCE, until

from .scene import Scene

pytestmark = pytest.mark.crash
SLOTS, JOBS = 2, 400
WORK = ("work", f"concurrency={SLOTS}")


def check_all(scene: Scene, jobs: list[str]) -> list[JobRecord]:
    records = [scene.get(job_id) for job_id in jobs]
    assert {record.state for record in records} == {State.SUCCEEDED}
    assert [problem for record in records for problem in problems_of(record)] == []
    assert all(f"end {record.attempt}" in scene.words(record.id) for record in records)
    assert scene.overlaps() == []
    return records


@pytest.mark.parametrize("executor", ["async", "thread"])
def test_what_was_at_hand_when_the_worker_died_runs_in_the_next_one(scene: Scene, executor: str) -> None:
    jobs = scene.enqueue(executor, 0.001, number=JOBS)
    scene.dies(*WORK, at="claim.ahead:5")
    started = {mark.job for mark in scene.marks() if mark.word == "start"}
    scene.finish()
    records = check_all(scene, jobs)
    unbegun = [record for record in records if record.crashes and record.id not in started]
    assert unbegun
    for record in unbegun:
        first, *between, last = words_of(record)
        assert (first, set(between) | {"given back"}, last) == ("interrupted", {"given back"}, "succeeded")
        assert scene.words(record.id) == [f"start {record.attempt}", f"end {record.attempt}"]
    assert sum(record.crashes for record in records) > SLOTS


def test_a_worker_is_killed_from_outside_while_it_has_jobs_at_hand(scene: Scene) -> None:
    jobs = scene.enqueue("async", 0.005, number=JOBS)
    worker = scene.start(*WORK)
    until(lambda: scene.count_running() > SLOTS or worker.poll() is not None)
    worker.kill()
    assert worker.wait(PATIENCE) == -signal.SIGKILL, "it ended before it had anything at hand"
    scene.finish()
    check_all(scene, jobs)


def test_jobs_that_run_at_most_once_are_not_lost_with_what_was_at_hand(scene: Scene) -> None:
    jobs = scene.enqueue("async", 0.001, number=JOBS)
    precious = scene.enqueue("async", number=20, at_most_once=True)
    jobs += scene.enqueue("async", 0.001, number=JOBS)
    scene.dies(*WORK, at="claim.ahead:5")
    # This one may meet them first, and then is shy for longer than it takes.
    scene.start(*WORK, die_at="claim.ahead:3").wait(PATIENCE)
    scene.finish()
    check_all(scene, jobs)
    records = [scene.get(job_id) for job_id in precious]
    assert [problem for record in records for problem in problems_of(record)] == []
    assert all([mark.word for mark in scene.marks(one.id)].count("start") <= 1 for one in records)
    # Those that had a slot when a worker died have had their only run.
    assert sum(record.state is State.DEAD for record in records) <= 2 * SLOTS
    for record in records:
        assert set(words_of(record)[:-1]) <= {"given back"}
        assert words_of(record)[-1] == ("succeeded" if record.state is State.SUCCEEDED else "interrupted")


def test_a_job_whose_first_crash_is_its_last_is_not_quarantined_while_it_is_at_hand(scene: Scene) -> None:
    fragile = scene.enqueue("async", 0.001, number=JOBS, crash_budget=1, options={"crash_budget": 1})
    worker = scene.start(*WORK)
    until(lambda: len(scene.marks()) > JOBS)
    worker.kill()
    worker.wait(PATIENCE)
    scene.finish()
    assert sum(scene.get(job_id).state is State.DEAD for job_id in fragile) <= SLOTS


def test_a_worker_that_stops_in_good_order_gives_back_what_was_at_hand(scene: Scene) -> None:
    jobs = scene.enqueue("async", 0.005, number=JOBS)
    worker = scene.start("serve", f"concurrency={SLOTS}")
    until(lambda: scene.count_running() > SLOTS)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0, scene.log(worker)
    assert scene.count_running() == 0
    for record in map(scene.get, jobs):
        assert record.crashes == 0
        assert set(words_of(record)) <= {"given back", "succeeded"}
    scene.finish()
    check_all(scene, jobs)
