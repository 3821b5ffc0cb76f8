"""`queuemgr jobs list` and `show`: the right jobs, all their facts, and why each is where it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from queuemgr.job import State

from .conftest import Shop, ask, call

JOB_KEYS = {
    *("id", "task", "queue", "state", "priority", "created_at", "run_at", "started_at", "finished_at", "expires_at"),
    *("attempt", "failures", "crashes", "worker", "progress", "note", "error", "unique_key", "tags", "options"),
    *("cancel_requested", "position", "result_size", "seconds_left"),
}


def ids(*words: str) -> list[str]:
    return [job["id"] for job in ask("jobs", "list", *words)["jobs"]]


def why(shop: Shop, job_id: str = "last") -> str:
    return str(ask("jobs", "show", job_id, "--store", shop.url)["why"])


def test_a_page_has_these_keys_and_no_others(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    document = ask("jobs", "list", "--store", shop.url)
    assert document.keys() == {"at", "jobs", "after"}
    assert document["jobs"][0].keys() == JOB_KEYS
    assert document["after"] is None


def test_the_newest_come_first_and_pages_follow_one_another(shop: Shop) -> None:
    made = [shop.task("add").enqueue(n, n).id for n in range(5)]
    first = ask("jobs", "list", "--store", shop.url, "--limit", "3")
    assert [job["id"] for job in first["jobs"]] == made[:1:-1]
    assert isinstance(first["after"], str)
    assert ids("--store", shop.url, "--limit", "3", "--after", first["after"]) == made[1::-1]


def test_a_position_that_is_none_is_wrong_usage(shop: Shop) -> None:
    shop.app.client.count()
    assert call("jobs", "list", "--after", "x", "--store", shop.url).exit_code == 2


def test_filters_choose(shop: Shop) -> None:
    dead = shop.die()
    tagged = shop.task("add").using(tags=("blue",)).enqueue(1, 2).id
    late = shop.task("add").using(delay=60).enqueue(1, 2).id
    url = ("--store", shop.url)
    assert ids(*url, "--state", "dead") == [dead]
    assert ids(*url, "--state", "dead,ready") == [tagged, dead]
    assert ids(*url, "--state", "dead", "--state", "scheduled") == [late, dead]
    assert ids(*url, "--queue", "mail") == [dead]
    assert ids(*url, "--task", f"{shop.module}.add") == [late, tagged]
    assert ids(*url, "--tag", "blue") == [tagged]
    assert ids(*url, "--error", "is no address") == [dead]
    assert ids(*url, "--since", "1h") == [late, tagged, dead]
    assert ids(*url, "--before", "1h") == []
    assert ids(*url, "--since", str(time.time() + 60)) == []


def test_the_command_for_the_next_page_repeats_the_filters(shop: Shop, terminal: None) -> None:
    for n in range(2):
        shop.task("add").enqueue(n, n)
    text = call("jobs", "list", "--store", shop.url, "--limit", "1", "--queue", "default", "--state", "ready").stdout
    assert "older ones: queuemgr jobs list --state ready --queue default --after " in text
    assert f"--store {shop.url}" in text


def test_an_empty_list_says_how_to_go_on(shop: Shop, terminal: None) -> None:
    shop.app.client.count()
    text = call("jobs", "list", "--store", shop.url).stdout
    assert "there are no such jobs" in text
    assert "queuemgr enqueue" in text


def test_a_dead_job_in_a_list_says_how_to_go_on(shop: Shop, terminal: None) -> None:
    dead = shop.die()
    text = call("jobs", "list", "--store", shop.url).stdout
    assert f"queuemgr jobs show {dead}" in text
    assert "queuemgr jobs retry --state dead" in text


def test_all_about_a_job_that_succeeded(shop: Shop) -> None:
    job = shop.task("send_mail").enqueue("a@b.c", subject="Hi")
    shop.work()
    document = ask("jobs", "show", job.id, "--store", shop.url)
    assert document.keys() == {"at", "job", "why", "next", "arguments", "result", "attempts", "output"}
    assert document["job"].keys() == JOB_KEYS
    assert document["arguments"] == {"positional": ["a@b.c"], "named": {"subject": "Hi"}, "size": 28}
    assert document["result"] == {"value": "Hi, a@b.c", "size": 11}
    assert [attempt["outcome"] for attempt in document["attempts"]] == ["succeeded"]
    assert [(line["stream"], line["text"]) for line in document["output"]] == [
        ("stdout", "to a@b.c: Hi"),
        ("log", "WARNING shop: sent"),
    ]


def test_all_about_a_job_that_is_dead(shop: Shop, terminal: None) -> None:
    dead = shop.die()
    text = call("jobs", "show", dead, "--store", shop.url).stdout
    assert 'send_mail("nobody")' in text
    assert "its only attempt failed" in text
    assert "ValueError: 'nobody' is no address" in text
    assert "traceback" in text
    assert "to nobody: Hello" in text
    assert f"queuemgr jobs retry {dead}" in text


def test_only_the_last_lines_of_output_are_shown(shop: Shop) -> None:
    job = shop.task("send_mail").enqueue("a@b.c")
    shop.work()
    lines = ask("jobs", "show", job.id, "--store", shop.url, "--lines", "1")["output"]
    assert [line["text"] for line in lines] == ["WARNING shop: sent"]


def test_last_is_the_newest_job(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    newest = shop.task("add").enqueue(3, 4)
    assert ask("jobs", "show", "last", "--store", shop.url)["job"]["id"] == newest.id


def test_without_jobs_there_is_no_last_one(shop: Shop) -> None:
    shop.app.client.count()
    assert call("jobs", "show", "last", "--store", shop.url).exit_code == 3


def test_values_of_a_class_are_shown_without_the_class(make_shop: Callable[..., Shop], terminal: None) -> None:
    shop = make_shop(format="msgpack")
    job = ask("enqueue", f"{shop.module}.ship", '{"weight": 2.5}', "--app", shop.path)
    shop.work()
    text = call("jobs", "show", job["id"], "--store", shop.url).stdout
    assert f'{{"{shop.module}:Parcel": {{"weight": 2.5}}}}' in text.replace("\n", "").replace(" " * 10, "")


def test_a_waiting_job_says_when_it_runs(shop: Shop) -> None:
    shop.task("add").using(delay=90).enqueue(1, 2)
    assert why(shop).startswith("starts in 1 min")


def test_a_failed_attempt_says_when_the_next_comes(shop: Shop) -> None:
    shop.task("fragile").using(backoff="fixed").enqueue()
    shop.work()
    document = ask("jobs", "show", "last", "--store", shop.url)
    assert document["job"]["state"] == "scheduled"
    assert document["why"].startswith("retries ")
    assert document["why"].endswith(", attempt 1 failed")
    assert document["next"]["command"] == f"queuemgr jobs retry {document['job']['id']}"


def test_a_ready_job_says_what_it_waits_for(shop: Shop, join: Callable[..., None]) -> None:
    shop.task("add").enqueue(1, 2)
    name = f"{shop.module}.add"
    assert why(shop) == "no worker is running"
    join("w1", queues=("mail",), tasks=(name,))
    assert why(shop) == "no worker takes jobs from queue default"
    join("w2", queues=("default",), tasks=("other.add",))
    assert why(shop) == f"no worker that takes queue default knows task {name}, others know it"
    join("w3", queues=("default",), tasks=(name,))
    assert why(shop) == "a worker has a free slot and takes it at its next look"
    shop.app.client.pause("default")
    document = ask("jobs", "show", "last", "--store", shop.url)
    assert document["why"] == "queue default is paused"
    assert document["next"]["command"] == "queuemgr queues resume default"


def test_a_held_job_says_how_to_release_it(shop: Shop) -> None:
    job = shop.task("add").using(held=True).enqueue(1, 2)
    document = ask("jobs", "show", job.id, "--store", shop.url)
    assert (document["why"], document["next"]["command"]) == ("it is held", f"queuemgr jobs release {job.id}")


def test_a_parked_job_names_the_task_that_nobody_knows(shop: Shop) -> None:
    job = ask("enqueue", "shop.nothing", "--store", shop.url)
    shop.work()
    document = ask("jobs", "show", job["id"], "--store", shop.url)
    assert document["job"]["state"] == "parked"
    assert document["why"] == "waits for a worker that knows task shop.nothing"


def test_a_running_job_says_how_long_it_will_take(shop: Shop, join: Callable[..., None], claim: Any) -> None:
    join("w1", queues=("default",), tasks=(f"{shop.module}.add",))
    job = shop.task("add").enqueue(1, 2)
    claim("w1", progress=50.0, note="half")
    document = ask("jobs", "show", job.id, "--store", shop.url)
    assert document["why"].startswith("runs for ")
    assert document["why"].endswith(" left")
    assert (document["job"]["progress"], document["job"]["note"]) == (50.0, "half")
    assert document["job"]["seconds_left"] > 0
    assert document["next"]["command"] == f"queuemgr jobs cancel {job.id}"
    shop.app.client.cancel(job.id)
    assert why(shop) == "is being stopped, because somebody cancelled it"


def test_a_job_of_a_worker_that_is_gone_says_so(shop: Shop, join: Callable[..., None], claim: Any) -> None:
    now = shop.app.client.clock.now()
    join("w1", queues=("default",), tasks=(f"{shop.module}.add",), host="elsewhere", beat_at=now)
    shop.task("add").enqueue(1, 2)
    claim("w1")
    join("w1", queues=("default",), host="elsewhere", beat_at=shop.app.client.clock.now() - 3600)
    assert why(shop) == "its worker w1 is gone, and no other worker is running to take the job back"


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_asked_for(shop: Shop, state: State) -> None:
    shop.app.client.count()
    assert ids("--store", shop.url, "--state", state.word) == []
