"""`queuemgr why`, `failures`, and what a job holds: asked for as a person does."""

from __future__ import annotations

import json
from collections.abc import Callable

from .conftest import Shop, ask, call


def test_why_explains_the_newest_job_and_says_what_to_do(shop: Shop, terminal: None) -> None:
    shop.task("add").enqueue(1, 2)
    text = call("why", "--store", shop.url).stdout
    assert "no worker is running" in text
    assert "nothing, until somebody does something" in text
    assert "start one: queuemgr worker MODULE:APP" in text


def test_why_shows_what_was_different_from_the_last_success(shop: Shop, terminal: None) -> None:
    shop.task("send_mail").enqueue("a@b.c")
    shop.work()
    dead = shop.die()
    text = " ".join(call("why", dead, "--store", shop.url).stdout.split())
    assert "its only attempt failed" in text
    assert "ValueError: 'nobody' is no address" in text
    assert "had other arguments" in text
    assert "arguments 1 a@b.c nobody" in text
    assert f"run it again: queuemgr jobs retry {dead} --store {shop.url}" in text


def test_why_shows_what_has_the_slots(shop: Shop, join: Callable[..., None], claim: Callable[..., None]) -> None:
    join("w1", queues=("default",), tasks=(f"{shop.module}.add",), concurrency=1)
    first = shop.task("add").enqueue(1, 2)
    claim("w1")
    shop.task("add").enqueue(3, 4)
    text = call("why", "--store", shop.url).stdout
    assert "every slot is taken (1 slot of 1 worker)" in text
    assert first.id in text


def test_why_is_one_document_for_programs(shop: Shop) -> None:
    dead = shop.die()
    document = ask("why", dead, "--store", shop.url)
    assert document.keys() == {"at", "job", "state", "reasons", "next", "steps", "evidence"}
    assert [reason["code"] for reason in document["reasons"]][:2] == ["only_attempt_failed", "raised"]


def test_why_of_no_job_is_an_exit_code(shop: Shop) -> None:
    shop.app.client.count()
    assert call("why", "--store", shop.url).exit_code == 3
    assert call("why", "nothing", "--store", shop.url).exit_code == 3


def test_failures_are_listed_by_kind_and_run_again_together(shop: Shop, terminal: None) -> None:
    for name in ("ann", "bob"):
        shop.task("send_mail").enqueue(name)
    shop.work()
    (group,) = ask("failures", "--store", shop.url)["groups"]
    assert (group["count"], group["message"], group["place"].split(":")[1]) == (2, "'…' is no address", "send_mail")
    text = call("failures", "--store", shop.url).stdout
    assert "ValueError" in text
    assert f"queuemgr failures --retry {group['fingerprint']}" in text
    refused = call("failures", "--retry", group["fingerprint"], "--store", shop.url, input="n\n")
    assert (refused.exit_code, len(ask("jobs", "list", "--state", "dead", "--store", shop.url)["jobs"])) == (1, 2)
    assert call("failures", "--retry", group["fingerprint"], "--yes", "--store", shop.url).exit_code == 0
    assert len(ask("jobs", "list", "--state", "ready", "--store", shop.url)["jobs"]) == 2
    assert "no job is dead" in call("failures", "--store", shop.url).stdout
    assert call("failures", "--retry", "none", "--yes", "--store", shop.url).exit_code == 3


def test_a_search_chooses_and_says_what_it_does_not_understand(shop: Shop) -> None:
    wanted = shop.task("send_mail").enqueue("a@b.c", subject="Hi").id
    shop.task("send_mail").enqueue("c@d.e")
    found = ask("jobs", "list", "--search", "queue:mail args.subject:hi", "--store", shop.url)
    assert ([job["id"] for job in found["jobs"]], found["scanned"]) == ([wanted], 2)
    wrong = call("jobs", "list", "--search", "stat:dead", "--store", shop.url)
    assert wrong.exit_code == 2
    assert "did you mean 'state'?" in wrong.stderr


def test_a_search_that_found_nothing_yet_says_how_to_go_on(shop: Shop, terminal: None) -> None:
    from unittest.mock import patch

    from queuemgr.service.operations import looking

    shop.app.client.enqueue_many(shop.task("add").calls([(n, n) for n in range(30)]))
    with patch.multiple(looking, MOST=20, STEP=20):
        text = call("jobs", "list", "--search", "args:nothing", "--store", shop.url).stdout
    assert "none of the newest 20 jobs fits, and there are older ones" in text
    assert "--search args:nothing --after" in text


def test_words_of_a_search_are_completed(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    assert call("jobs", "complete", "queue:def", "--store", shop.url).stdout.split() == ["queue:default"]


def test_arguments_and_results_are_json_to_read_on(shop: Shop) -> None:
    job = shop.task("send_mail").enqueue("a@b.c", subject="Hi")
    assert call("jobs", "arguments", job.id, "--store", shop.url).stdout.splitlines() == ['"a@b.c"', 'subject="Hi"']
    waiting = call("jobs", "result", job.id, "--store", shop.url)
    assert waiting.exit_code == 4
    assert "is ready, has not ended, and has no result yet" in waiting.stderr
    assert f"queuemgr jobs wait {job.id}" in waiting.stderr
    assert "pages(" not in waiting.stderr
    shop.work()
    assert json.loads(call("jobs", "result", job.id, "--store", shop.url).stdout) == "Hi, a@b.c"
    assert ask("jobs", "result", job.id, "--store", shop.url)["value"] == "Hi, a@b.c"


def test_a_job_is_run_again_with_edited_arguments(shop: Shop) -> None:
    dead = shop.die()
    words = ("jobs", "rerun", dead, "a@b.c", "--kw", "subject=Again", "--priority", "3", "--store", shop.url)
    new = ask(*words)
    assert (new["of"], new["job"]["priority"], new["job"]["queue"]) == (dead, 3, "mail")
    shop.work()
    assert ask("jobs", "result", new["id"], "--store", shop.url)["value"] == "Again, a@b.c"
    again = call("jobs", "rerun", dead, "--store", shop.url)
    assert again.stdout.strip() not in ("", dead)
