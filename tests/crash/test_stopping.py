"""A worker that is asked to stop loses nothing: jobs end in time or go back, and neither is counted against them."""

from __future__ import annotations

import signal

import psutil
import pytest

from queuemgr.job import State
from queuemgr.testing.history import problems_of, words_of
from tests.servers.process import PATIENCE, lives

from .scene import EXECUTORS, Process, Scene

pytestmark = pytest.mark.crash


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_that_ends_within_the_grace_is_done(scene: Scene, executor: str) -> None:
    (job_id,) = scene.enqueue(executor, 0.3)
    worker = scene.start("serve", "grace=10")
    scene.until_marked()
    worker.terminate()
    assert worker.wait(PATIENCE) == 0, scene.log(worker)
    record = scene.get(job_id)
    assert (record.state, words_of(record), problems_of(record)) == (State.SUCCEEDED, ["succeeded"], [])
    assert scene.words(job_id) == ["start 1", "end 1"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_that_does_not_end_within_the_grace_goes_back_uncounted(scene: Scene, executor: str) -> None:
    (job_id,) = scene.enqueue(executor, 30)
    worker = scene.start("serve", "grace=0.1")
    scene.until_marked()
    children = psutil.Process(worker.pid).children(recursive=True)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0, scene.log(worker)
    record = scene.get(job_id)
    assert (record.state, words_of(record)) == (State.READY, ["given back"])
    assert (record.failures, record.crashes, record.worker) == (0, 0, None)
    assert scene.do(scene.store.workers()) == []
    assert not any(map(lives, children))
    scene.finish()
    assert words_of(scene.get(job_id)) == ["given back", "succeeded"]


def until_noticed(scene: Scene, worker: Process) -> None:
    """The worker has heard the first signal: two at once may be one to it."""
    scene.until(lambda: "no new jobs" in scene.log(worker))


def test_the_second_signal_does_not_wait_for_the_grace(scene: Scene) -> None:
    (job_id,) = scene.enqueue("thread", 30)
    worker = scene.start("serve", "grace=60")
    scene.until_marked()
    worker.send_signal(signal.SIGINT)
    until_noticed(scene, worker)
    assert worker.poll() is None
    worker.send_signal(signal.SIGINT)
    assert worker.wait(PATIENCE) == 0, scene.log(worker)
    assert words_of(scene.get(job_id)) == ["given back"]


def test_a_job_that_cannot_be_stopped_ends_with_its_worker_and_is_not_blamed(scene: Scene) -> None:
    (job_id,) = scene.enqueue("sit in C", 60)
    worker = scene.start("serve", "grace=60")
    scene.until_marked()
    worker.terminate()
    until_noticed(scene, worker)
    worker.terminate()
    assert worker.wait(PATIENCE) == 1, scene.log(worker)
    scene.finish()
    record = scene.get(job_id)
    assert (words_of(record), record.crashes, record.failures) == (["given back", "succeeded"], 0, 0)
    assert problems_of(record) == []


def test_many_jobs_of_all_kinds_go_back_at_once(scene: Scene) -> None:
    jobs = [job for executor in EXECUTORS for job in scene.enqueue(executor, 30, number=3)]
    worker = scene.start("serve", "grace=0", "concurrency=12")
    scene.until_marked(12)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0, scene.log(worker)
    for job_id in jobs:
        record = scene.get(job_id)
        assert (record.state, words_of(record), record.crashes) == (State.READY, ["given back"], 0)
