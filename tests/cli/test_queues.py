"""`queuemgr queues`, `workers`, `tasks` and `store`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from queuemgr.job import State

from .conftest import Shop, ask, call


def test_queues_are_counted_by_state(shop: Shop, join: Callable[..., None]) -> None:
    shop.die()
    shop.task("add").enqueue(1, 2)
    join(queues=("default", "idle"))
    document = ask("queues", "list", "--store", shop.url)
    assert document.keys() == {"at", "queues"}
    queues = {queue["name"]: queue for queue in document["queues"]}
    assert queues["mail"].keys() == {"name", "paused", "limit", "oldest_ready", "counts", "workers"}
    assert queues["mail"]["counts"].keys() == {state.word for state in State}
    assert (queues["mail"]["counts"]["dead"], queues["mail"]["workers"]) == (1, 0)
    assert (queues["default"]["counts"]["ready"], queues["default"]["workers"]) == (1, 1)
    assert queues["idle"]["workers"] == 1


def test_the_list_of_queues_proposes_what_to_do(shop: Shop, terminal: None) -> None:
    shop.die()
    shop.task("add").enqueue(1, 2)
    shop.app.client.pause("mail")
    text = call("queues", "list", "--store", shop.url).stdout
    assert "mail (paused)" in text
    assert "queuemgr queues resume mail" in text
    assert "queuemgr worker MODULE:APP --queue default" in text
    assert "queuemgr jobs list --state dead" in text
    assert f"queuemgr worker {shop.path} --queue default" in call("queues", "list", "--app", shop.path).stdout


def test_a_queue_is_paused_and_resumed(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    assert ask("queues", "pause", "default", "--store", shop.url) == {"queues": ["default"], "paused": True}
    assert [queue.paused for queue in shop.app.client.queues()] == [True]
    assert ask("queues", "resume", "default", "--store", shop.url) == {"queues": ["default"], "paused": False}
    assert [queue.paused for queue in shop.app.client.queues()] == [False]


def test_a_queue_that_nobody_knows_is_not_found(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    for verb in ("pause", "resume", "drain"):
        result = call("queues", verb, "defalt", "--store", shop.url)
        assert result.exit_code == 3
        assert "there is no queue 'defalt': did you mean 'default'?" in result.stderr


def test_a_queue_is_limited_and_the_limit_taken_away(shop: Shop, terminal: None) -> None:
    shop.task("add").enqueue(1, 2)
    assert ask("queues", "limit", "default", "2", "--store", shop.url) == {"queues": ["default"], "limit": 2}
    assert [queue.limit for queue in shop.app.client.queues()] == [2]
    assert "default (at most 2)" in call("queues", "list", "--store", shop.url).stdout
    assert ask("queues", "limit", "default", "none", "--store", shop.url) == {"queues": ["default"], "limit": None}
    assert [queue.limit for queue in shop.app.client.queues()] == [None]


def test_a_limit_that_is_no_number_is_refused(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    for wrong in ("0", "many"):
        result = call("queues", "limit", "default", wrong, "--store", shop.url)
        assert result.exit_code == 2
        assert wrong in result.stderr


def test_a_queue_can_be_paused_before_its_first_job(shop: Shop) -> None:
    shop.app.client.count()
    assert call("queues", "pause", "later", "--yes", "--store", shop.url).exit_code == 0
    assert call("queues", "resume", "later", "--store", shop.url).exit_code == 0


def test_draining_deletes_what_waits_and_with_finished_the_rest(shop: Shop) -> None:
    shop.die()
    shop.task("send_mail").enqueue("a@b.c")
    shop.task("add").enqueue(1, 2)
    url = ("--store", shop.url)
    assert ask("queues", "drain", "mail", "--dry-run", *url)["states"] == {"ready": 1}
    assert call("queues", "drain", "mail", *url).exit_code == 2
    assert ask("queues", "drain", "mail", "--yes", *url) == {"queues": ["mail"], "changed": 1}
    assert ask("queues", "drain", "mail", "--finished", "--yes", *url)["changed"] == 1
    assert [job.queue for job in shop.app.client.find().jobs] == ["default"]


def test_several_queues_are_drained_at_once_and_what_runs_goes_on(
    shop: Shop, join: Callable[..., None], claim: Callable[..., None]
) -> None:
    running = shop.task("add").enqueue(1, 2)
    join("w1", queues=("default",), tasks=(f"{shop.module}.add",))
    claim("w1")
    shop.task("add").enqueue(3, 4)
    shop.task("add").using(delay=3600).enqueue(5, 6)
    shop.task("send_mail").enqueue("a@b.c")
    names, url = ("default", "mail", "default"), ("--store", shop.url)
    assert ask("queues", "drain", *names, "--dry-run", *url)["states"] == {"ready": 2, "scheduled": 1}
    assert ask("queues", "drain", *names, "--yes", *url) == {"queues": ["default", "mail"], "changed": 3}
    assert [(job.id, job.state) for job in shop.app.client.find().jobs] == [(running.id, State.RUNNING)]
    assert "0 jobs of default deleted" in call("queues", "drain", "default", *url).stdout


def test_purge_is_still_a_name_of_drain(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    document = ask("queues", "purge", "default", "--yes", "--store", shop.url)
    assert document == {"queues": ["default"], "changed": 1}


def test_workers_are_listed_with_what_they_run(
    shop: Shop, join: Callable[..., None], claim: Callable[..., None]
) -> None:
    join("w1", name="one", queues=("default",), tasks=(f"{shop.module}.add",))
    shop.task("add").enqueue(1, 2)
    claim("w1")
    join("w2", host="elsewhere", beat_at=0.0)
    workers = {worker["id"]: worker for worker in ask("workers", "list", "--store", shop.url)["workers"]}
    assert workers["w1"].keys() == {
        *("id", "name", "alive", "state", "host", "here", "pid", "queues", "tasks", "concurrency"),
        *("started_at", "beat_at", "running", "memory"),
    }
    assert (workers["w1"]["alive"], workers["w1"]["here"], workers["w1"]["running"]) == (True, True, 1)
    assert (workers["w1"]["pid"], workers["w1"]["name"]) == (os.getpid(), "one")
    assert (workers["w2"]["alive"], workers["w2"]["here"]) == (False, False)
    assert workers["w1"]["memory"] > 10_000_000
    assert workers["w2"]["memory"] is None
    text = call("workers", "list", "--store", shop.url).stdout
    assert "one (w1)" in text
    assert "w2, elsewhere" in text
    assert "dead" in text


def test_without_a_worker_the_list_says_how_to_start_one(shop: Shop, terminal: None) -> None:
    shop.app.client.count()
    text = call("workers", "list", "--store", shop.url).stdout
    assert "no worker is running" in text
    assert "queuemgr worker MODULE:APP" in text


def test_the_tasks_of_an_app_are_listed_with_their_options(shop: Shop, join: Callable[..., None]) -> None:
    join(tasks=(f"{shop.module}.add",))
    document = ask("tasks", "list", "--app", shop.path)
    tasks = {task["name"].partition(".")[2]: task for task in document["tasks"]}
    assert document["source"] == "app"
    assert tasks["add"] == {
        "name": f"{shop.module}.add",
        "signature": "(a: int, b: int)",
        "queue": "default",
        "priority": 0,
        "executor": "thread",
        "attempts": 3,
        "timeout": None,
        "at_most_once": False,
        "description": "Add two numbers.",
        "workers": 1,
    }
    assert tasks["send_mail"]["signature"] == "(to: str, subject: str = 'Hello')"


def test_without_an_app_the_tasks_are_those_of_the_workers(shop: Shop, join: Callable[..., None]) -> None:
    join(tasks=("a.b", "a.c"))
    assert ask("tasks", "list", "--store", shop.url) == {
        "source": "workers",
        "tasks": [{"name": "a.b", "workers": 1}, {"name": "a.c", "workers": 1}],
    }


def test_the_tasks_of_an_app_can_be_listed_before_its_store_exists(shop: Shop, tmp_path: Path) -> None:
    assert len(ask("tasks", "list", "--app", shop.path)["tasks"]) == len(shop.app.tasks)
    assert not (tmp_path / "shop.db").exists()


def test_the_store_tells_what_it_holds(shop: Shop) -> None:
    shop.die()
    document = ask("store", "info", "--store", shop.url)
    assert document.keys() == {"at", "url", "file", "size", "jobs", "states", "queues", "workers", "schedules"}
    assert (document["url"], document["jobs"], document["states"]["dead"]) == (shop.url, 1, 1)
    assert document["file"].endswith("/shop.db")
    assert document["size"] > 4096


def test_pruning_forgets_what_is_over(shop: Shop) -> None:
    kept = shop.task("add").enqueue(1, 2)
    shop.task("add").using(keep=0.0).enqueue(1, 2)
    shop.work()
    assert call("store", "prune", "--store", shop.url).exit_code == 0
    assert [job.id for job in shop.app.client.find().jobs] == [kept.id]
    assert ask("store", "prune", "--store", shop.url) == {"pruned": 0}


@pytest.mark.parametrize("verb", ["queues list", "workers list", "store info"])
def test_watching_in_a_pipe_goes_on_until_it_is_stopped(shop: Shop, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.task("add").enqueue(1, 2)
    looks = []

    async def stop_after_two(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("asyncio.sleep", stop_after_two)
    result = call(*verb.split(), "--watch", "--json", "--store", shop.url)
    assert result.exit_code == 130
    assert looks == [2.0, 2.0]
    assert len(result.stdout.splitlines()) == 2
