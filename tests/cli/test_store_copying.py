"""`queuemgr store copy`: what it says, in words and in JSON, and when it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from queuemgr import App

from .conftest import Shop, ask, call
from .test_terminal import in_terminal

NEW = "sqlite:///new.db"


def test_a_copy_says_how_many_jobs_are_equal(shop: Shop) -> None:
    shop.die()
    shop.task("add").enqueue(1, 2)
    shop.app.client.pause("mail")
    result = call("store", "copy", shop.url, NEW)
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines == [
        "STATE FROM TO",
        "ready 1 1",
        "dead 1 1",
        "2 jobs copied; compared: 2 of 2 jobs there, in the same state",
        "paused as before: mail",
    ]
    assert ask("store", "info", "--store", NEW)["states"]["dead"] == 1


def test_a_copy_answers_in_json(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    document = ask("store", "copy", shop.url, NEW)
    assert document.keys() == {
        *("from", "to", "copied", "resumed", "states", "missing", "changed", "differing", "others", "equal"),
        *("results", "schedules", "paused"),
    }
    assert (document["from"], document["to"], document["copied"], document["equal"]) == (shop.url, NEW, 1, True)
    assert document["states"]["ready"] == {"from": 1, "to": 1}
    assert ask("store", "copy", shop.url, NEW)["copied"] == 0


def test_a_result_can_be_read_from_the_copy(shop: Shop) -> None:
    handle = shop.task("add").enqueue(1, 2)
    shop.work()
    ask("store", "copy", shop.url, NEW)
    assert ask("jobs", "show", handle.id, "--store", NEW)["result"]["value"] == 3


def test_a_large_result_can_be_read_from_the_copy(shop: Shop, tmp_path: Path) -> None:
    handle = shop.task("send_mail").enqueue("a@b", "x" * 100_000)
    shop.work()
    result = call("store", "copy", shop.url, NEW)
    assert result.exit_code == 0
    assert "1 job copied, 1 large result; compared: 1 of 1 job there" in result.stdout
    app = App(f"sqlite:///{tmp_path}/new.db")
    assert len(app.client.handle(handle.id).result()) == 100_005
    app.close()


def test_what_differs_is_told_with_an_example(shop: Shop) -> None:
    handle = shop.task("add").enqueue(1, 2)
    ask("store", "copy", shop.url, NEW)
    shop.app.client.cancel(handle.id)
    result = call("store", "copy", shop.url, NEW)
    assert result.exit_code == 1
    told = f"1 job in another state there: changed since, here or there; the first is {handle.id}"
    assert told in result.stderr
    assert "compared: 0 of 1 job there" in result.stdout
    document = ask("store", "copy", shop.url, NEW, code=1)
    assert document["differing"] == [{"id": handle.id, "from": "cancelled", "to": "ready"}]


def test_jobs_of_the_target_alone_are_counted(shop: Shop, make_shop: Callable[..., Shop]) -> None:
    shop.task("add").enqueue(1, 2)
    make_shop("new.db").task("add").enqueue(3, 4)
    result = call("store", "copy", shop.url, NEW)
    assert result.exit_code == 0
    assert "the target has 1 job that the source does not have" in result.stdout


def test_a_copy_is_refused_while_a_worker_lives(shop: Shop, join: Callable[..., None]) -> None:
    join(name="packer")
    result = call("store", "copy", shop.url, NEW)
    assert result.exit_code == 4
    assert f"queuemgr: workers live in {shop.url}: packer (process " in result.stderr
    assert "a job that runs while it is copied would run twice" in result.stderr
    assert "stop every `queuemgr worker` there (Ctrl-C, SIGTERM, or your process manager)" in result.stderr
    assert call("store", "copy", NEW, shop.url).exit_code == 4


def test_a_store_is_not_copied_into_itself(shop: Shop, tmp_path: Path) -> None:
    shop.task("add").enqueue(1, 2)
    (tmp_path / "link.db").symlink_to("shop.db")
    for other in (shop.url, f"sqlite:///{tmp_path}/shop.db"):
        result = call("store", "copy", shop.url, other)
        assert result.exit_code == 2
        assert f"{shop.url} and {other} are one and the same store" in result.stderr


def test_a_store_that_is_not_there_is_not_copied(tmp_path: Path) -> None:
    result = call("store", "copy", "sqlite:///nothing.db", NEW)
    assert result.exit_code == 5
    assert "there is no store at" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("shop.db", NEW, "did you mean sqlite:///shop.db?"),
        (NEW, "new.db", "did you mean sqlite:///new.db?"),
        ("sqlit:///a.db", NEW, "'sqlit:///a.db' is no store"),
    ],
)
def test_what_is_no_store_is_refused(source: str, target: str, said: str, tmp_path: Path) -> None:
    call("enqueue", "a.task", "--store", NEW)
    result = call("store", "copy", source, target)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_copy_draws_its_progress_in_a_terminal(shop: Shop) -> None:
    shop.task("add").enqueue(1, 2)
    code, text = in_terminal(["store", "copy", shop.url, NEW], 100)
    assert code == 0
    assert "1 of 1 job" in text
    assert "1 job copied; compared: 1 of 1 job there, in the same state" in text
    assert "queuemgr worker MODULE:APP" in text


def test_an_empty_store_is_copied(shop: Shop) -> None:
    shop.app.client.count()
    result = call("store", "copy", shop.url, NEW)
    assert (result.exit_code, result.stdout) == (0, "0 jobs copied; compared: 0 of 0 jobs there, in the same state\n")
