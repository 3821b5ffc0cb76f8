"""Why a job ended as it did. What tasks and processes do is done by real workers."""

from __future__ import annotations

from typing import Any

import pytest

from queuemgr.clock import SystemClock
from queuemgr.job import State, Unique
from queuemgr.outcome import Verdict
from queuemgr.service.desk import Desk, Visitor
from queuemgr.service.operations.operation import Scope
from queuemgr.service.why.lately import LOOK
from queuemgr.testing.contract.stage import CANCELLED, FAILED, SUCCEEDED

from .scene import Scene, codes, commands, on_stage, reason, scripted, scripted_on_every_store

ONLY = Verdict(State.DEAD, "failed", failed=True, reason="its only attempt failed")
TRACE = """Traceback (most recent call last):
  File "/srv/shop/mail.py", line {line}, in send
    deliver(to)
  File "/usr/lib/python3.11/smtplib.py", line 12, in deliver
    raise ValueError
"""


async def dead(scene: Scene, message: str = "no address 17", verdict: Verdict = FAILED, **fields: Any) -> str:
    job = await scene.stage.enqueue(**fields)
    error = {"type": "builtins.ValueError", "message": message, "traceback": TRACE.format(line=3)}
    await scene.stage.run(verdict, error=error)
    return job


@scripted
async def test_a_success_says_what_it_returned_and_when_it_is_forgotten(scene: Scene) -> None:
    job = await scene.stage.enqueue(keep=3600.0)
    await scene.stage.run(result=b"[1,2,3]")
    answer = await scene.why(job)
    assert codes(answer) == ["succeeded"]
    assert answer["reasons"][0]["text"] == "returned 7 B, kept for another 1 h"
    assert (answer["next"]["code"], answer["next"]["at"]) == ("forgotten", scene.stage.now() + 3600)


@scripted
async def test_a_late_success_says_how_many_attempts_it_took(scene: Scene) -> None:
    job = await scene.stage.enqueue()
    await scene.stage.run(Verdict(State.READY, "failed", failed=True), error={"message": "x"})
    await scene.stage.run()
    answer = await scene.why(job)
    assert reason(answer, "succeeded_after")["text"] == "it took 2 attempts, 1 of them failed"


@scripted_on_every_store
async def test_failures_that_are_alike_are_counted_with_the_first_of_them(scene: Scene) -> None:
    first = await dead(scene, "no address 4")
    scene.stage.clock.advance(60)
    await dead(scene, "something else")
    job = await dead(scene)
    answer = await scene.why(job)
    assert codes(answer) == ["all_attempts_failed", "raised", "failed_alike", "never_succeeded"]
    alike = reason(answer, "failed_alike")
    assert alike["text"] == "1 other job of this queue failed alike, the first 1 min ago"
    assert alike["details"]["ids"] == [first]
    assert reason(answer, "raised")["text"] == "ValueError: no address 17"
    assert reason(answer, "raised")["details"]["place"] == "shop/mail.py:send"
    assert commands(answer)[0] == f"queuemgr jobs retry {job}"
    assert f"queuemgr failures --retry {alike['details']['fingerprint']}" in commands(answer)


@scripted
async def test_very_many_alike_are_counted_at_least(scene: Scene) -> None:
    await scene.stage.enqueue_many(LOOK + 10)
    leases = await scene.stage.claim()
    error = {"type": "E", "message": "broken"}
    await scene.stage.store.settle([scene.stage.settlement(lease, FAILED, error=error) for lease in leases])
    answer = await scene.why(leases[0].id)
    assert reason(answer, "failed_alike_at_least")["params"]["number"] >= LOOK - 1


@scripted
async def test_a_failure_of_its_own_kind_is_alone(scene: Scene) -> None:
    job = await dead(scene, verdict=ONLY)
    assert codes(await scene.why(job)) == ["only_attempt_failed", "raised", "never_succeeded"]
    await dead(scene, "the parcel is lost", verdict=ONLY)
    answer = await scene.why(job)
    assert codes(answer) == ["only_attempt_failed", "raised", "failed_alone", "never_succeeded"]
    alone = "it failed in its own way: 1 other dead job of this queue failed differently"
    assert reason(answer, "failed_alone")["text"] == alone
    never = "no success of this task is among the last ones that are still kept"
    assert reason(answer, "never_succeeded")["text"] == never


@scripted_on_every_store
async def test_a_failure_is_compared_with_the_last_success_of_its_task(scene: Scene) -> None:
    success = await scene.stage.enqueue(args=b'[["a@b.c"],{"subject":"Hi","copies":1}]')
    lease = await scene.stage.lease()
    scene.stage.clock.advance(2)
    await scene.stage.settle(lease)
    job = await dead(scene, args=b'[["nobody"],{"subject":"Hi"}]')
    answer = await scene.why(job)
    compared = reason(answer, "differs_from_success")
    assert compared["text"].endswith("had other arguments")
    differences = {(one["what"], one["name"]): (one["then"], one["now"]) for one in compared["details"]["differences"]}
    assert differences[("arguments", "1")] == ("a@b.c", "nobody")
    assert differences[("arguments", "copies")] == (1, None)
    assert ("arguments", "subject") not in differences
    assert differences[("duration", None)][0] == pytest.approx(2, abs=0.01)
    assert f"queuemgr jobs show {success}" in commands(answer)


@scripted
async def test_secrets_stay_dots_in_a_comparison(scene: Scene) -> None:
    await scene.stage.enqueue(args=b'[[{"$":"secret","v":"old card"}]]')
    await scene.stage.run()
    job = await dead(scene, args=b'[[{"$":"secret","v":"new card"}, 5]]')
    assert "card" not in str(await scene.why(job))


@scripted
async def test_another_worker_and_host_are_named_beside_the_last_success(scene: Scene) -> None:
    for worker in ("north:1:aa", "south:2:bb"):
        await scene.worker(worker)
    await scene.stage.enqueue()
    await scene.stage.run(worker="north:1:aa")
    job = await scene.stage.enqueue()
    await scene.stage.run(FAILED, worker="south:2:bb", error={"type": "E", "message": "m"})
    compared = reason(await scene.why(job), "differs_from_success")
    assert compared["text"].endswith("had other host")
    differences = {one["what"]: (one["then"], one["now"]) for one in compared["details"]["differences"]}
    assert differences == {"worker": ("north:1:aa", "south:2:bb"), "host": ("north", "south")}


@scripted
async def test_a_failure_like_the_last_success_points_elsewhere(scene: Scene) -> None:
    await scene.stage.enqueue()
    await scene.stage.run()
    assert "like_last_success" in codes(await scene.why(await dead(scene)))


@scripted
async def test_an_error_that_is_not_retried_is_told(scene: Scene) -> None:
    job = await dead(scene, verdict=Verdict(State.DEAD, "failed", reason="its error is one that is not retried"))
    assert codes(await scene.why(job))[:2] == ["not_retried", "raised"]


@scripted
async def test_a_job_that_runs_at_most_once_does_not_run_again_after_a_failure(scene: Scene) -> None:
    job = await dead(scene, verdict=Verdict(State.DEAD, "failed", reason="it failed, and it runs at most once"))
    assert codes(await scene.why(job))[:2] == ["at_most_once_failed", "raised"]


@scripted_on_every_store
async def test_a_job_that_runs_at_most_once_names_the_worker_whose_death_ended_it(scene: Scene) -> None:
    mortal = await scene.stage.join_mortal(queues=("default",))
    job = await scene.stage.enqueue(at_most_once=True)
    await scene.stage.claim("mortal")
    mortal.kill()
    await scene.stage.a_death_is_noticed()
    await scene.stage.claim("other", limit=0)
    answer = await scene.why(job)
    assert codes(answer)[:2] == ["at_most_once_interrupted", "worker_died"]
    assert reason(answer, "worker_died")["text"] == "worker mortal died during attempt 1"


@scripted
async def test_a_job_that_brought_down_too_many_workers_is_in_quarantine(scene: Scene) -> None:
    job = await scene.stage.enqueue(crash_budget=1)
    mortal = await scene.stage.join_mortal(queues=("default",))
    await scene.stage.claim("mortal")
    mortal.kill()
    await scene.stage.a_death_is_noticed()
    await scene.stage.claim("other", limit=0)
    answer = await scene.why(job)
    assert codes(answer)[:2] == ["quarantined", "worker_died"]
    assert answer["reasons"][0]["text"] == "quarantined: 1 time its process or its worker died while it ran"


@scripted
async def test_arguments_that_cannot_be_read_are_named(scene: Scene) -> None:
    job = await scene.stage.enqueue()
    await scene.stage.run(Verdict(State.DEAD, "undecodable", reason="3 bytes cannot be read as json"))
    answer = await scene.why(job)
    assert codes(answer)[0] == "undecodable"
    assert "cannot be read: 3 bytes" in answer["reasons"][0]["text"]


@scripted_on_every_store
async def test_a_job_that_was_cancelled_while_it_waited_never_ran(scene: Scene) -> None:
    job = await scene.stage.enqueue()
    await scene.client.cancel(job)
    answer = await scene.why(job)
    assert codes(answer) == ["cancelled_waiting"]
    assert commands(answer) == [f"queuemgr jobs retry {job}"]


@pytest.mark.parametrize("matching", [False, True], ids=["by its id", "with all that fit"])
def test_who_cancelled_a_job_is_told_from_the_audit_list(tmp_path: Any, matching: bool) -> None:
    async def play(scene: Scene) -> None:
        job = await scene.stage.enqueue()
        desk = Desk(scene.client)
        if matching:
            name, asked = "jobs.change_matching", {"verb": "cancel", "query": {"queue": "default"}}
        else:
            name, asked = "jobs.change", {"verb": "cancel", "job_ids": [job]}
        await desk.ask(name, asked, Visitor("ann", Scope.OPERATE, "web"))
        scene.stage.clock.advance(60)
        answer = await scene.why(job)
        assert codes(answer) == ["cancelled_waiting", "cancelled_by"]
        assert reason(answer, "cancelled_by")["text"] == "cancelled by ann (web) 1 min ago"
        other = await scene.stage.enqueue()
        await scene.client.cancel(other)
        assert codes(await scene.why(other)) == ["cancelled_waiting"]

    scripted(play)(tmp_path)


@scripted
async def test_a_job_that_was_cancelled_while_it_ran_says_how_it_was_stopped(scene: Scene) -> None:
    job = await scene.stage.enqueue()
    verdict = Verdict(State.CANCELLED, "cancelled", reason="cancelled while running, by SIGTERM")
    await scene.stage.run(verdict)
    assert reason(await scene.why(job), "cancelled_running")["text"] == "cancelled while running, by SIGTERM"
    other = await scene.stage.enqueue()
    await scene.stage.run(CANCELLED)
    assert codes(await scene.why(other)) == ["cancelled_running"]


@scripted
async def test_a_job_that_was_replaced_names_its_successor(scene: Scene) -> None:
    job = await scene.stage.enqueue(unique=Unique("k"))
    other = await scene.stage.enqueue(unique=Unique("k", on_conflict="replace"))
    answer = await scene.why(job)
    assert codes(answer) == ["replaced", "unique_key_taken"]
    assert reason(answer, "unique_key_taken")["params"] == {"holder": other, "key": "k"}
    assert f"queuemgr jobs show {other}" in commands(answer)


@scripted_on_every_store
async def test_a_dead_job_whose_unique_key_is_taken_cannot_run_again(scene: Scene) -> None:
    job = await dead(scene, unique=Unique("k"))
    other = await scene.stage.enqueue(unique=Unique("k"))
    assert reason(await scene.why(job), "unique_key_taken")["params"] == {"holder": other, "key": "k"}


@scripted
async def test_a_clock_that_was_put_back_is_noticed_in_the_history(scene: Scene) -> None:
    job = await scene.stage.enqueue()
    lease = await scene.stage.lease()
    scene.stage.clock.set(scene.stage.now() - 500)
    await scene.stage.settle(lease, SUCCEEDED)
    assert reason(await scene.why(job), "clock_went_back")["params"] == {"attempt": 1, "seconds": 500}


REAL = [
    ("fails", "only_attempt_failed", "raised", "RuntimeError: it broke"),
    ("slow", "only_attempt_failed", "timed_out", "it ran longer than its time-out"),
    ("greedy", "only_attempt_failed", "memory_limit", "memory_limit of 134,217,728 bytes"),
    ("unkeepable", "not_retried", "result_refused", "its result could not be kept"),
    ("killed", "quarantined", "process_died", "its process was ended by SIGKILL in attempt 1: by hand"),
    ("leaves", "quarantined", "process_exited", "os._exit(3)"),
    ("gives_up", "cancelled_by_task", None, "nothing to do"),
]


def test_what_real_tasks_did_in_real_processes_is_told(tmp_path: Any) -> None:
    """One worker runs all of them, in its own and in other processes."""
    import asyncio

    from . import tasks

    async def play(scene: Scene) -> None:
        app = tasks.app_at(scene.stage.url)
        jobs = {name: (await app.tasks[name].aenqueue()).id for name, *_ in REAL}
        await app.worker(burst=True, concurrency=8).run()
        await app.aio.store.close()
        for name, fate, cause, words in REAL:
            answer = await scene.why(jobs[name])
            assert codes(answer)[0] == fate, (name, codes(answer))
            assert cause is None or codes(answer)[1] == cause, (name, codes(answer))
            assert words in reason(answer, cause or fate)["text"], (name, answer["reasons"])
        steps = commands(await scene.why(jobs["slow"]))
        assert f"queuemgr jobs rerun {jobs['slow']} --timeout 0.4" in steps

    asyncio.run(on_stage(f"sqlite:///{tmp_path}/jobs.db", play, SystemClock()))
