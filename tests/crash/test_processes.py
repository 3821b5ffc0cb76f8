"""Jobs in processes of their own: the job's process is killed, or the one they are forked from, or the worker."""

from __future__ import annotations

import psutil
import pytest

from queuemgr.job import State
from queuemgr.testing.history import problems_of, words_of
from tests.servers.process import PATIENCE, lives, until

from .scene import Scene

pytestmark = pytest.mark.crash

KINDS = ("process", "pool")


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_jobs_process_dies_and_the_job_runs_again_in_the_same_worker(scene: Scene, kind: str) -> None:
    (job_id,) = scene.enqueue(f"shoot {kind}", 1)
    (neighbour,) = scene.enqueue(kind, 0.3)
    scene.finish()
    record = scene.get(job_id)
    assert (record.state, words_of(record)) == (State.SUCCEEDED, ["crashed", "succeeded"])
    assert (record.failures, record.crashes, problems_of(record)) == (0, 1, [])
    assert record.attempts[0].exit_signal == "SIGKILL"
    assert scene.words(job_id) == ["start 1", "start 2", "end 2"]
    assert words_of(scene.get(neighbour)) == ["succeeded"]
    assert scene.words(neighbour) == ["start 1", "end 1"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_always_brings_its_process_down_is_quarantined(scene: Scene, kind: str) -> None:
    (job_id,) = scene.enqueue(f"shoot {kind}", 99)
    scene.finish()
    record = scene.get(job_id)
    assert (record.state, words_of(record)) == (State.DEAD, ["crashed"] * 3)
    assert "quarantined" in str(record.error)
    assert (record.crashes, problems_of(record)) == (3, [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_that_dies_before_the_jobs_body_is_a_crash_of_the_job(scene: Scene, kind: str) -> None:
    (job_id,) = scene.enqueue(kind)
    scene.finish("work", die_at="run.inside")
    record = scene.get(job_id)
    assert (record.state, words_of(record)) == (State.DEAD, ["crashed"] * 3)
    assert scene.marks() == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_job_runs_again_if_the_process_is_killed_from_which_they_are_forked(scene: Scene, kind: str) -> None:
    (job_id,) = scene.enqueue(kind, 30)
    worker = scene.start("work")
    (begun,) = scene.until_marked()
    child = psutil.Process(begun.pid)
    parent = child.parent()
    assert parent is not None
    assert parent.pid != worker.pid
    parent.kill()
    assert worker.wait(PATIENCE) == 0, scene.log(worker)
    assert not lives(child)
    record = scene.get(job_id)
    assert (record.state, words_of(record)) == (State.SUCCEEDED, ["crashed", "succeeded"])
    assert problems_of(record) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_process_outlives_a_worker_that_was_killed(scene: Scene, kind: str) -> None:
    (job_id,) = scene.enqueue(kind, 30)
    worker = scene.start("serve")
    (begun,) = scene.until_marked()
    family = psutil.Process(worker.pid).children(recursive=True)
    assert begun.pid in [process.pid for process in family]
    worker.kill()
    worker.wait()
    until(lambda: not any(lives(process) for process in family))
    scene.finish()
    record = scene.get(job_id)
    assert (words_of(record), problems_of(record)) == (["interrupted", "succeeded"], [])
    assert scene.words(job_id) == ["start 1", "start 2", "end 2"]
