"""Why a job waits: each situation is made on a real store, and the answer must name it."""

from __future__ import annotations

import pytest

from queuemgr.job import State, Unique
from queuemgr.testing.contract.stage import CRASHED, GIVEN_BACK, UNKNOWN, retry_at, snooze_until

from .scene import Scene, codes, commands, reason, scripted, scripted_on_every_store


@scripted
async def test_a_scheduled_job_says_when_it_starts(scene: Scene) -> None:
    await scene.worker()
    job = await scene.stage.enqueue(delay=90.0)
    answer = await scene.why(job)
    assert codes(answer) == ["scheduled"]
    assert answer["reasons"][0]["text"] == "starts in 1 min 30 s"
    assert answer["next"] == {
        "code": "becomes_ready",
        "text": "it becomes ready",
        "at": scene.stage.now() + 90,
        "params": {},
    }
    assert commands(answer) == [f"queuemgr jobs retry {job}"]


@scripted
async def test_a_scheduled_job_says_what_will_stand_in_its_way(scene: Scene) -> None:
    job = await scene.stage.enqueue(delay=90.0)
    await scene.stage.store.pause("default")
    assert codes(await scene.why(job)) == ["scheduled", "queue_paused", "no_worker"]


@scripted
async def test_a_job_that_is_due_is_taken_at_the_next_look(scene: Scene) -> None:
    await scene.worker()
    job = await scene.stage.enqueue(delay=5.0)
    scene.stage.clock.advance(6)
    answer = await scene.why(job)
    assert codes(answer)[0] == "due"
    assert answer["reasons"][0]["text"].startswith("was due 1 s ago")


@scripted
async def test_a_job_that_is_due_without_workers_waits_for_one(scene: Scene) -> None:
    job = await scene.stage.enqueue(delay=5.0)
    scene.stage.clock.advance(60)
    answer = await scene.why(job)
    assert codes(answer)[:2] == ["no_worker", "due"]
    assert answer["next"]["code"] == "waits_for_person"


@scripted
async def test_a_snoozed_job_says_that_its_task_wanted_it(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.run(snooze_until(scene.stage.now() + 30))
    answer = await scene.why(job)
    assert codes(answer) == ["snoozed"]
    assert "in 30 s" in answer["reasons"][0]["text"]


@scripted_on_every_store
async def test_a_failed_job_says_when_its_next_attempt_begins_and_why_the_last_failed(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    error = {"type": "builtins.ValueError", "message": "no address"}
    await scene.stage.run(retry_at(scene.stage.now() + 20), error=error)
    answer = await scene.why(job)
    assert codes(answer) == ["next_attempt", "raised"]
    assert answer["reasons"][0]["text"] == "retries in 20 s, attempt 1 failed"
    assert reason(answer, "raised")["text"] == "ValueError: no address"
    assert answer["next"]["at"] == pytest.approx(scene.stage.now() + 20)


@scripted
async def test_a_held_job_waits_for_a_person(scene: Scene) -> None:
    await scene.worker()
    job = await scene.stage.enqueue(held=True)
    answer = await scene.why(job)
    assert (codes(answer), answer["next"]["code"]) == (["held"], "waits_for_person")
    assert commands(answer) == [f"queuemgr jobs release {job}"]


@scripted_on_every_store
async def test_a_paused_queue_is_named_first(scene: Scene) -> None:
    job = await scene.stage.enqueue(queue="odd queue")
    await scene.stage.store.pause("odd queue")
    answer = await scene.why(job)
    assert codes(answer)[:2] == ["queue_paused", "no_worker"]
    assert commands(answer)[0] == "queuemgr queues resume 'odd queue'"


@scripted
async def test_without_any_worker_one_must_be_started(scene: Scene) -> None:
    job = await scene.stage.enqueue()
    answer = await scene.why(job)
    assert codes(answer) == ["no_worker"]
    assert commands(answer) == ["queuemgr worker MODULE:APP"]


@scripted
async def test_a_worker_that_died_is_no_worker(scene: Scene) -> None:
    mortal = await scene.stage.join_mortal(queues=("default",))
    job = await scene.stage.enqueue()
    mortal.kill()
    answer = await scene.why(job)
    assert codes(answer) == ["no_worker"]
    assert reason(answer, "no_worker")["details"] == {"dead": 1}


@scripted
async def test_a_misspelt_queue_names_the_one_that_was_meant(scene: Scene) -> None:
    await scene.worker(queues=("mail",))
    job = await scene.stage.enqueue(queue="mial")
    answer = await scene.why(job)
    assert codes(answer) == ["no_worker_takes_queue"]
    assert answer["reasons"][0]["text"] == "no worker takes jobs from queue mial (did you mean 'mail'?)"
    assert commands(answer) == ["queuemgr worker MODULE:APP --queue mial"]


@scripted_on_every_store
async def test_a_misspelt_task_names_the_one_that_was_meant(scene: Scene) -> None:
    await scene.worker(tasks=("shop.send_mail",))
    job = await scene.stage.enqueue("shop.send_mial")
    answer = await scene.why(job)
    assert codes(answer) == ["no_worker_knows_task"]
    assert answer["reasons"][0]["params"] == {"task": "shop.send_mial", "near": "shop.send_mail"}
    assert "did you mean 'shop.send_mail'?" in answer["reasons"][0]["text"]


@scripted
async def test_a_task_that_only_workers_of_other_queues_know_is_told_apart(scene: Scene) -> None:
    await scene.worker("w1", tasks=("other",))
    await scene.worker("w2", tasks=("task",), queues=("mail",))
    answer = await scene.why(await scene.stage.enqueue())
    assert codes(answer) == ["no_worker_fits"]
    assert reason(answer, "no_worker_fits")["details"] == {"workers": {"w2": ["mail"]}}


@scripted
async def test_a_parked_job_waits_for_a_worker_that_knows_its_task(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue("tusk")
    (lease,) = await scene.stage.claim()
    assert await scene.stage.settle(lease, UNKNOWN)
    assert await scene.stage.state(job) is State.PARKED
    answer = await scene.why(job)
    assert codes(answer)[0] == "no_worker_knows_task"
    assert "did you mean 'task'?" in answer["reasons"][0]["text"]
    await scene.worker("w2", tasks=("tusk",))
    answer = await scene.why(job)
    assert (codes(answer)[0], answer["next"]["code"]) == ("parked_but_known", "starts")


@pytest.mark.parametrize(("state", "code"), [("stopping", "workers_stopping"), ("quiet", "workers_quiet")])
def test_workers_that_take_nothing_new_are_named(tmp_path: object, state: str, code: str) -> None:
    async def play(scene: Scene) -> None:
        await scene.worker()
        await scene.stage.store.beat("w1", state)
        answer = await scene.why(await scene.stage.enqueue())
        assert codes(answer) == [code]
        assert reason(answer, code)["details"] == {"workers": {"w1": state}}

    scripted(play)(tmp_path)


@scripted
async def test_a_worker_that_lives_but_is_silent_is_stuck(scene: Scene) -> None:
    await scene.worker()
    job = await scene.stage.enqueue()
    scene.stage.clock.advance(scene.stage.store.lease + 10)
    answer = await scene.why(job)
    assert codes(answer) == ["workers_silent"]
    assert "for 40 s" in answer["reasons"][0]["text"]


@scripted_on_every_store
async def test_busy_workers_are_named_with_what_they_run_and_for_how_long(scene: Scene) -> None:
    await scene.worker("worker")
    first = await scene.stage.enqueue()
    await scene.stage.lease()
    job = await scene.stage.enqueue()
    scene.stage.clock.advance(5)
    answer = await scene.why(job)
    assert codes(answer) == ["workers_busy"]
    (running,) = answer["reasons"][0]["details"]["running"]
    assert (running["job"], running["worker"], running["task"]) == (first, "worker", "task")
    assert running["seconds"] == pytest.approx(5)
    assert answer["reasons"][0]["text"].startswith("every slot is taken (1 slot of 1 worker)")
    assert answer["next"]["code"] == "starts_after"


@scripted
async def test_slots_that_other_queues_have_taken_are_told_apart(scene: Scene) -> None:
    await scene.worker("worker", queues=("default", "mail"))
    await scene.stage.enqueue(queue="mail")
    await scene.stage.claim(queues=("mail",))
    answer = await scene.why(await scene.stage.enqueue())
    assert codes(answer) == ["workers_busy_elsewhere"]
    assert "(mail)" in answer["reasons"][0]["text"]


@scripted
async def test_a_free_slot_takes_the_job_at_once(scene: Scene) -> None:
    await scene.worker()
    answer = await scene.why(await scene.stage.enqueue())
    assert (codes(answer), answer["next"]["code"]) == (["about_to_start"], "starts")


@scripted_on_every_store
async def test_jobs_that_go_before_it_are_counted_by_priority_and_age(scene: Scene) -> None:
    await scene.worker()
    await scene.stage.enqueue_many(3, priority=5)
    await scene.stage.enqueue_many(4, priority=1)
    job = await scene.stage.enqueue(priority=5)
    await scene.stage.enqueue_many(2, priority=9)
    await scene.stage.enqueue_many(6, priority=5)
    answer = await scene.why(job)
    assert codes(answer) == ["behind_others"]
    assert answer["reasons"][0]["text"] == "5 jobs of queue default go before it"
    assert answer["evidence"]["position"] == {"least": 5, "most": 5, "about": 5, "exact": True}


@scripted
async def test_a_late_job_of_the_lowest_priority_knows_its_place_among_many(scene: Scene) -> None:
    await scene.worker()
    await scene.stage.enqueue_many(700)
    job = await scene.stage.enqueue()
    await scene.stage.enqueue_many(20)
    assert reason(await scene.why(job), "behind_others")["params"]["before"] == 700


@scripted
async def test_a_place_in_the_midst_of_very_many_is_told_with_its_bounds(scene: Scene) -> None:
    await scene.worker()
    await scene.stage.enqueue_many(600)
    scene.stage.clock.advance(60)
    job = await scene.stage.enqueue()
    scene.stage.clock.advance(60)
    await scene.stage.enqueue_many(600)
    answer = await scene.why(job)
    place = reason(answer, "behind_many")["params"]
    assert place["least"] <= 600 <= place["most"] <= 1200
    assert place["before"] == pytest.approx(600, abs=10)


@scripted
async def test_the_pace_of_the_queue_tells_when_it_starts(scene: Scene) -> None:
    await scene.worker("worker", concurrency=10)
    for _ in range(5):
        await scene.stage.enqueue()
        await scene.stage.run()
        scene.stage.clock.advance(2)
    await scene.stage.enqueue_many(10)
    answer = await scene.why(await scene.stage.enqueue())
    assert answer["next"]["code"] == "starts_about"
    assert answer["next"]["at"] == pytest.approx(scene.stage.now() + 20)


@scripted
async def test_a_suspect_says_that_it_runs_apart_from_others_of_its_kind(scene: Scene) -> None:
    await scene.worker("worker", concurrency=2)
    job = await scene.stage.enqueue()
    await scene.stage.run(CRASHED, exit_signal="SIGSEGV")
    answer = await scene.why(job)
    assert codes(answer) == ["suspect", "process_died"]
    assert reason(answer, "process_died")["text"] == "its process was ended by SIGSEGV in attempt 1"


@scripted_on_every_store
async def test_a_suspect_waits_while_every_worker_runs_another(scene: Scene) -> None:
    await scene.worker("worker", concurrency=2)
    first = await scene.stage.enqueue()
    await scene.stage.run(CRASHED, exit_signal="SIGKILL")
    lease = await scene.stage.lease()
    assert lease.id == first
    job = await scene.stage.enqueue()
    mortal = await scene.stage.join_mortal(queues=("default",))
    assert [one.id for one in await scene.stage.claim("mortal")] == [job]
    mortal.kill()
    await scene.stage.a_death_is_noticed()
    await scene.stage.claim("worker", limit=0)
    answer = await scene.why(job)
    assert answer["state"] == "ready"
    assert codes(answer)[:2] == ["suspect_waits", "worker_died"]
    assert reason(answer, "suspect_waits")["details"] == {"running": {"worker": first}}
    assert reason(answer, "worker_died")["params"] == {"worker": "mortal", "attempt": 1}


@scripted
async def test_a_job_that_was_given_back_says_by_whom(scene: Scene) -> None:
    await scene.worker("worker")
    job = await scene.stage.enqueue()
    await scene.stage.run(GIVEN_BACK)
    answer = await scene.why(job)
    assert codes(answer) == ["about_to_start", "given_back"]
    assert "does not count as a failure" in reason(answer, "given_back")["text"]


@scripted
async def test_a_waiting_job_says_what_its_unique_key_keeps_out(scene: Scene) -> None:
    await scene.worker()
    job = await scene.stage.enqueue(unique=Unique("mail:7"))
    assert reason(await scene.why(job), "holds_unique_key")["params"] == {"key": "mail:7"}


@scripted
async def test_a_clock_of_a_worker_that_is_ahead_is_noticed(scene: Scene) -> None:
    await scene.worker(beat_at=scene.stage.now() + 3600)
    answer = await scene.why(await scene.stage.enqueue())
    assert reason(answer, "clock_of_worker")["text"] == "the clock of worker w1 is 1 h ahead of the store's"


@scripted
async def test_a_job_from_the_future_blames_the_clock_of_who_enqueued_it(scene: Scene) -> None:
    await scene.worker()
    job = await scene.stage.enqueue(created_at=scene.stage.now() + 600)
    assert reason(await scene.why(job), "clock_of_producer")["params"] == {"seconds": pytest.approx(600)}


@scripted
async def test_a_queue_at_its_limit_names_it_and_who_holds_it(scene: Scene) -> None:
    await scene.worker("worker", concurrency=9)
    await scene.stage.store.limit("default", 1)
    running = await scene.stage.enqueue()
    assert [lease.id for lease in await scene.stage.claim()] == [running]
    answer = await scene.why(await scene.stage.enqueue())
    assert codes(answer) == ["queue_limited"]
    assert answer["reasons"][0]["text"] == "queue default may run 1 job at a time, and 1 run"
    assert answer["reasons"][0]["details"] == {"running": [running]}
    assert answer["next"]["code"] == "starts_after"
    holders = "queuemgr jobs list --state running --queue default"
    assert commands(answer) == [holders, "queuemgr queues limit default 2"]
