"""How a running job fares: as usual, too long, silent, being stopped, or in the hands of a worker that is gone."""

from __future__ import annotations

from typing import Any

import pytest

from queuemgr.app import App
from queuemgr.job import State
from queuemgr.store import Report
from queuemgr.testing.contract.stage import CRASHED, retry_at

from .scene import Scene, codes, commands, reason, scripted, scripted_on_every_store


async def success(scene: Scene, seconds: float, **fields: Any) -> str:
    """A job of the same task that took so long."""
    job = await scene.stage.enqueue(**fields)
    lease = await scene.stage.lease()
    scene.stage.clock.advance(seconds)
    assert await scene.stage.settle(lease)
    return job


@scripted
async def test_a_job_runs_and_can_be_stopped(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.lease()
    scene.stage.clock.advance(3)
    answer = await scene.why(job)
    assert (codes(answer), answer["reasons"][0]["text"]) == (["runs"], "runs for 3 s")
    assert commands(answer) == [f"queuemgr jobs cancel {job}"]


@scripted
async def test_progress_tells_when_it_ends(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    lease = await scene.stage.lease()
    scene.stage.clock.advance(30)
    await scene.stage.store.report([Report(lease, progress=75.0, note="nearly")])
    answer = await scene.why(job)
    assert codes(answer) == ["runs_with_progress"]
    assert answer["reasons"][0]["text"] == "runs for 30 s, about 10 s left"
    assert answer["next"]["at"] == pytest.approx(scene.stage.now() + 10)


@scripted_on_every_store
async def test_a_job_that_runs_as_usual_is_compared_with_the_last_successes(scene: Scene) -> None:
    await scene.worker("worker")
    for seconds in (10, 12, 20):
        await success(scene, seconds)
    job = await scene.stage.enqueue()
    await scene.stage.lease()
    scene.stage.clock.advance(4)
    answer = await scene.why(job)
    assert codes(answer) == ["runs", "usual"]
    assert reason(answer, "usual")["params"] == {
        "number": 3,
        "median": pytest.approx(12, abs=0.01),
        "longest": pytest.approx(20, abs=0.01),
    }
    assert answer["next"]["at"] == pytest.approx(scene.stage.now() + 8, abs=0.01)


@scripted
async def test_a_job_that_takes_longer_than_any_before_is_named_so(scene: Scene) -> None:
    await scene.worker("worker")
    await success(scene, 10)
    job = await scene.stage.enqueue()
    await scene.stage.lease()
    scene.stage.clock.advance(25)
    await scene.stage.store.beat("worker")
    answer = await scene.why(job)
    assert codes(answer) == ["runs", "longer_than_usual"]
    text = "it takes 2.5 times as long as usual: the last success took 10 s"
    assert reason(answer, "longer_than_usual")["text"] == text
    assert f"queuemgr jobs logs {job}" in commands(answer)


@scripted
async def test_a_job_that_says_nothing_for_long_is_silent(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    lease = await scene.stage.lease()
    scene.stage.clock.advance(50)
    await scene.stage.store.report([Report(lease, output=[(scene.stage.now(), "stdout", "here\n")])])
    scene.stage.clock.advance(59)
    await scene.stage.store.beat("worker")
    assert codes(await scene.why(job)) == ["runs"]
    scene.stage.clock.advance(21)
    answer = await scene.why(job)
    assert reason(answer, "said_nothing")["params"] == {"seconds": pytest.approx(80)}


@scripted
async def test_a_job_that_somebody_cancelled_is_being_stopped(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.lease()
    await scene.client.cancel(job)
    answer = await scene.why(job)
    assert (codes(answer), answer["next"]["code"]) == (["being_stopped"], "stops")
    assert commands(answer) == []


@scripted_on_every_store
async def test_a_job_whose_worker_was_killed_is_taken_back_by_another(scene: Scene) -> None:
    mortal = await scene.stage.join_mortal(queues=("default",))
    job = await scene.stage.enqueue()
    await scene.stage.claim("mortal")
    await scene.worker()
    mortal.kill()
    answer = await scene.why(job)
    assert (codes(answer), answer["next"]["code"]) == (["worker_gone"], "taken_back")
    assert "its worker mortal is gone" in answer["reasons"][0]["text"]


@scripted
async def test_a_job_whose_last_worker_was_killed_needs_a_new_one(scene: Scene) -> None:
    mortal = await scene.stage.join_mortal(queues=("default",))
    job = await scene.stage.enqueue()
    await scene.stage.claim("mortal")
    mortal.kill()
    answer = await scene.why(job)
    assert codes(answer) == ["worker_gone_alone"]
    assert commands(answer) == ["queuemgr worker MODULE:APP"]


@scripted
async def test_a_job_of_a_worker_that_stops_says_so(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.lease()
    await scene.stage.store.beat("worker", "stopping")
    assert codes(await scene.why(job)) == ["runs", "worker_stopping"]


@scripted
async def test_a_worker_that_lives_but_does_not_beat_is_stuck(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.lease()
    scene.stage.clock.advance(45)
    answer = await scene.why(job)
    assert codes(answer) == ["runs", "worker_stuck"]
    assert reason(answer, "worker_stuck")["params"] == {"worker": "worker", "seconds": 45}


def test_a_silent_worker_on_another_machine_has_some_time_left(redis_url: str) -> None:
    import asyncio

    from .scene import on_stage

    async def play(scene: Scene) -> None:
        await scene.worker("worker", host="elsewhere")
        job = await scene.stage.enqueue()
        await scene.stage.lease()
        scene.stage.clock.advance(0.7 * scene.stage.store.lease)
        answer = await scene.why(job)
        assert codes(answer) == ["runs", "worker_silent"]
        assert "it counts as dead" in reason(answer, "worker_silent")["text"]

    asyncio.run(on_stage(redis_url, play))


@scripted
async def test_a_job_near_its_time_out_says_when_it_is_stopped(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue(options={"timeout": 20.0})
    await scene.stage.lease()
    assert (await scene.why(job))["next"]["code"] == "stopped_by_timeout"
    scene.stage.clock.advance(18)
    answer = await scene.why(job)
    assert reason(answer, "near_timeout")["text"] == "its time-out of 20 s is over in 2 s"
    assert answer["next"]["at"] == pytest.approx(scene.stage.now() + 2)
    scene.stage.clock.advance(3)
    assert "could not be stopped yet" in reason(await scene.why(job), "past_timeout")["text"]


@scripted
async def test_the_time_out_of_its_task_is_known_from_the_app(scene: Scene) -> None:
    scene.app = App("sqlite:///never-opened.db")
    scene.app.task(name="task", timeout=10.0)(lambda: None)
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.lease()
    assert (await scene.why(job))["evidence"]["timeout"] == 10.0


@scripted
async def test_a_second_attempt_tells_what_befell_the_first(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.run(CRASHED, exit_signal="SIGKILL")
    await scene.stage.run(retry_at(scene.stage.now()), error={"type": "KeyError", "message": "'a'"})
    await scene.stage.lease()
    assert await scene.stage.state(job) is State.RUNNING
    answer = await scene.why(job)
    assert codes(answer) == ["runs", "attempt_again", "raised"]
    assert reason(answer, "attempt_again")["text"] == "this is attempt 3, after 1 failure and 1 crash"
