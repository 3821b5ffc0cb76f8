"""`queuemgr jobs retry, cancel, delete, hold, release, prioritise`: by id, by filters after asking, with its code."""

from __future__ import annotations

import pytest

from queuemgr.job import State

from .conftest import Shop, ask, call


def states(shop: Shop) -> list[str]:
    return sorted(job.state.word for job in shop.app.client.find().jobs)


def test_a_dead_job_is_retried_by_its_id(shop: Shop) -> None:
    dead = shop.die()
    document = ask("jobs", "retry", dead, "--store", shop.url)
    assert document == {
        "verb": "retry",
        "changed": 1,
        "jobs": [{"id": dead, "changed": True, "state": "ready", "message": None}],
    }


def test_hold_and_release_and_cancel_and_delete_do_as_they_say(shop: Shop) -> None:
    job = shop.task("add").enqueue(1, 2)
    for verb, state in (("hold", "held"), ("release", "ready"), ("cancel", "cancelled"), ("delete", None)):
        document = ask("jobs", verb, job.id, "--store", shop.url)
        assert (document["changed"], document["jobs"][0]["state"]) == (1, state)
    assert shop.app.client.count() == 0


def test_what_a_state_does_not_allow_is_a_conflict_with_a_reason(shop: Shop) -> None:
    job = shop.task("add").enqueue(1, 2)
    result = call("jobs", "release", job.id, "--store", shop.url)
    assert result.exit_code == 4
    assert f"job {job.id} is ready: only held jobs can be released" in result.stderr


def test_a_missing_job_is_not_found_and_the_others_are_changed(shop: Shop) -> None:
    job = shop.task("add").enqueue(1, 2)
    document = ask("jobs", "hold", "nope", job.id, "--store", shop.url, code=3)
    assert [(one["changed"], one["state"]) for one in document["jobs"]] == [(False, None), (True, "held")]
    assert "no job has the id 'nope'" in document["jobs"][0]["message"]


@pytest.mark.parametrize("verb", ["hold", "cancel", "delete"])
def test_a_job_that_is_named_twice_is_meant_once(shop: Shop, verb: str) -> None:
    job = shop.task("add").enqueue(1, 2)
    document = ask("jobs", verb, job.id, job.id, "--store", shop.url)
    assert [(one["id"], one["changed"]) for one in document["jobs"]] == [(job.id, True)]


def test_last_is_one_job_however_often_it_is_said(shop: Shop) -> None:
    older, newest = shop.task("add").enqueue(1, 2), shop.task("add").enqueue(3, 4)
    assert ask("jobs", "delete", "last", "last", "--store", shop.url)["jobs"][0]["id"] == newest.id
    assert [job.id for job in shop.app.client.find().jobs] == [older.id]


def test_retry_by_filters_means_dead_jobs(shop: Shop) -> None:
    shop.die()
    shop.task("send_mail").enqueue("a@b.c")
    shop.work()
    document = ask("jobs", "retry", "--queue", "mail", "--yes", "--store", shop.url)
    assert document == {"verb": "retry", "changed": 1}
    assert states(shop) == ["ready", "succeeded"]


def test_a_dry_run_counts_and_changes_nothing(shop: Shop) -> None:
    shop.die()
    shop.task("add").enqueue(1, 2)
    document = ask("jobs", "delete", "--all", "--dry-run", "--store", shop.url)
    assert document == {"verb": "delete", "matched": 2, "states": {"ready": 1, "dead": 1}}
    assert states(shop) == ["dead", "ready"]


def test_a_dry_run_by_id_changes_nothing_either(shop: Shop) -> None:
    job = shop.task("add").enqueue(1, 2)
    assert ask("jobs", "cancel", job.id, "--dry-run", "--store", shop.url)["matched"] == 1
    assert job.look().state is State.READY


@pytest.mark.parametrize("words", [[], ["x", "--all"], ["x", "--state", "dead"]], ids=repr)
def test_it_must_be_clear_which_jobs_are_meant(shop: Shop, words: list[str]) -> None:
    shop.die()
    result = call("jobs", "delete", *words, "--store", shop.url)
    assert result.exit_code == 2
    assert "it is not clear which jobs to delete" in result.stderr
    assert states(shop) == ["dead"]


def test_without_a_terminal_nobody_is_asked_and_nothing_is_changed(shop: Shop) -> None:
    shop.die()
    result = call("jobs", "retry", "--all", "--store", shop.url)
    assert result.exit_code == 2
    assert "retry 1 job (1 dead)?" in result.stderr
    assert "--yes" in result.stderr
    assert states(shop) == ["dead"]


@pytest.mark.parametrize(("answer", "code", "state"), [("y\n", 0, "ready"), ("n\n", 1, "dead"), ("", 130, "dead")])
def test_in_a_terminal_the_answer_counts(shop: Shop, terminal: None, answer: str, code: int, state: str) -> None:
    shop.die()
    result = call("jobs", "retry", "--all", "--store", shop.url, input=answer)
    assert result.exit_code == code
    assert "retry 1 job (1 dead)? [y/N]" in result.stderr
    assert states(shop) == [state]


def test_nothing_to_change_is_not_asked_about(shop: Shop) -> None:
    shop.app.client.count()
    result = call("jobs", "retry", "--all", "--store", shop.url)
    assert (result.exit_code, result.stdout) == (0, "0 jobs will run again\n")


def test_filters_that_fit_no_state_of_the_verb_change_nothing(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    assert ask("jobs", "release", "--state", "ready", "--yes", "--store", shop.url)["changed"] == 0
    assert states(shop) == ["ready"]


def test_last_is_understood(shop: Shop) -> None:
    job = shop.task("add").enqueue(1, 2)
    assert ask("jobs", "hold", "last", "--store", shop.url)["jobs"][0]["id"] == job.id


def priorities(shop: Shop) -> list[int]:
    return [job.priority for job in shop.app.client.find().jobs]


def test_a_waiting_job_gets_another_priority_by_its_id(shop: Shop) -> None:
    ids = [shop.task("add").enqueue(1, 2).id for _ in range(2)]
    assert ask("jobs", "prioritise", ids[0], "--priority", "7", "--store", shop.url) == {"priority": 7, "changed": 1}
    assert ask("jobs", "prioritise", "last", "--priority", "9", "--store", shop.url)["changed"] == 1
    assert priorities(shop) == [9, 7]


def test_all_waiting_jobs_that_fit_get_the_priority_and_a_dry_run_gives_it_to_none(shop: Shop) -> None:
    shop.die()
    shop.task("add").enqueue(1, 2)
    shop.task("add").using(delay=60, queue="mail").enqueue(1, 2)
    given = ("jobs", "prioritise", "--all", "--priority", "3", "--store", shop.url)
    document = ask(*given, "--dry-run")
    assert document == {"verb": "prioritise", "matched": 2, "states": {"scheduled": 1, "ready": 1}}
    assert priorities(shop) == [0, 0, 0]
    refused = call(*given)
    assert (refused.exit_code, priorities(shop)) == (2, [0, 0, 0])
    assert ask(*given, "--yes")["changed"] == 2
    assert priorities(shop) == [3, 3, 0]
    assert ask("jobs", "prioritise", "--queue", "mail", "--priority", "4", "--yes", "--store", shop.url)["changed"] == 1
    assert priorities(shop) == [4, 3, 0]


def test_a_job_that_does_not_wait_keeps_its_priority_and_that_is_a_conflict(shop: Shop) -> None:
    dead = shop.die()
    job = shop.task("add").enqueue(1, 2)
    result = call("jobs", "prioritise", dead, job.id, "--priority", "7", "--store", shop.url)
    assert result.exit_code == 4
    assert "1 of the 2 that are named are not there, or do not wait" in result.stderr
    assert priorities(shop) == [7, 0]


@pytest.mark.parametrize("words", [["last"], ["last", "--priority", "10"], ["--priority", "1"]], ids=repr)
def test_a_priority_is_0_to_9_and_for_jobs_that_are_named(shop: Shop, words: list[str]) -> None:
    job = shop.task("add").enqueue(1, 2)
    assert call("jobs", "prioritise", *words, "--store", shop.url).exit_code == 2
    assert shop.app.client.get(job.id).priority == 0
