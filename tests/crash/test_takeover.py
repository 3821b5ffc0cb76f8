"""Several workers on one store: the living take over from the dead, at once, and never from one that is only slow."""

from __future__ import annotations

import random
import signal
import time

import pytest

from queuemgr.job import State
from queuemgr.testing.history import problems_of, words_of
from tests.pace import quickest
from tests.servers.process import PATIENCE, until

from .scene import EXECUTORS, Scene

pytestmark = pytest.mark.crash


def second_worker(scene: Scene, ahead: float = 0.0) -> None:
    scene.start("serve", ahead=ahead)
    scene.until_joined(2)


@pytest.mark.parametrize("executor", ["async", "process"])
def test_an_interrupted_job_runs_again_within_a_second_where_another_worker_lives(scene: Scene, executor: str) -> None:
    # Both clocks are the machine's own; the first job in a process of its own also starts that process's parent.
    bound = 1.0 if executor == "async" else 2.0
    assert quickest(lambda: seconds_to_take_over(scene, executor), bound) < bound


def seconds_to_take_over(scene: Scene, executor: str) -> float:
    (job_id,) = scene.enqueue(executor, 30)
    before, worker = len(scene.marks()), scene.start("serve")
    scene.until_marked(before + 1)
    second = scene.start("serve")
    scene.until_joined(2)
    worker.kill()
    killed = time.monotonic()
    again = scene.until_marked(before + 2)[before + 1]
    assert (again.job, again.attempt) == (job_id, 2)
    second.terminate()
    assert second.wait(PATIENCE) == 0, scene.log(second)
    return again.moment - killed


@pytest.mark.parametrize("task", ["hold the GIL", "block the loop"])
def test_a_worker_that_does_not_answer_for_long_keeps_its_job(scene: Scene, task: str) -> None:
    (job_id,) = scene.enqueue(task, 2)
    scene.start("serve")
    scene.until_marked()
    # By its clock the first one has been silent for an hour. It lives, and that is what counts.
    second_worker(scene, ahead=3600)
    until(lambda: scene.get(job_id).state is State.SUCCEEDED)
    assert words_of(scene.get(job_id)) == ["succeeded"]
    assert scene.words(job_id) == ["start 1", "end 1"]


def test_a_job_that_kills_its_worker_is_found_among_twenty_innocent_ones(scene: Scene) -> None:
    before = scene.enqueue("thread", 0.05, number=10)
    (poison,) = scene.enqueue("shoot")
    innocent = before + scene.enqueue("thread", 0.05, number=10)
    starts = 0
    while (status := scene.start("work", "concurrency=32").wait(PATIENCE)) == -signal.SIGKILL:
        starts += 1
        assert starts <= 3, "it ran more often than its budget allows"
    assert (status, starts) == (0, 3)
    record = scene.get(poison)
    assert (record.state, words_of(record), record.crashes) == (State.DEAD, ["interrupted"] * 3, 3)
    assert "quarantined" in str(record.error)
    for job_id in innocent:
        record = scene.get(job_id)
        assert (record.state, problems_of(record)) == (State.SUCCEEDED, [])
        assert record.crashes <= 1
    assert scene.overlaps() == []


def test_workers_are_killed_at_any_moment_and_every_job_ends_well(scene: Scene) -> None:
    chance = random.Random(4)
    jobs = [job for executor in EXECUTORS for job in scene.enqueue(executor, 0.05, number=25, crash_budget=20)]
    for _ in range(5):
        workers = [scene.start("work", "concurrency=4") for _ in range(2)]
        seen = len(scene.marks())
        until(
            lambda seen=seen, workers=workers: len(scene.marks()) > seen or all(x.poll() is not None for x in workers)
        )
        time.sleep(chance.uniform(0.0, 0.2))  # chance chooses the moment
        for worker in workers:
            worker.kill()
            worker.wait()
    scene.finish()
    for job_id in jobs:
        record = scene.get(job_id)
        assert (record.state, problems_of(record)) == (State.SUCCEEDED, [])
        assert scene.result(job_id) == b'"well done"'
        assert words_of(record).count("succeeded") == 1
        assert f"end {record.attempt}" in scene.words(job_id)
    assert scene.overlaps() == []
