"""`queuemgr enqueue`: what is typed becomes arguments, and the job says what stands in its way."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from queuemgr.job import State
from queuemgr.service.cli.requests import request_of
from queuemgr.service.failures import Misused
from queuemgr.service.operations.request import Word

from .conftest import Shop, ask, call


def given(*words: str) -> tuple[list[Any], dict[str, Any]]:
    request = request_of("t", words, (), {})
    return [word.value for word in request.positional], {name: word.value for name, word in request.named.items()}


@pytest.mark.parametrize(
    ("words", "positional", "named"),
    [
        (["1", "2.5", "true", "null"], [1, 2.5, True, None], {}),
        (["plain", "two words", "a@b.c"], ["plain", "two words", "a@b.c"], {}),
        (['"1"', '{"a": [1]}'], ["1", {"a": [1]}], {}),
        (['["a@b.c", 2]'], ["a@b.c", 2], {}),
        (["[1]", "[2]"], [[1], [2]], {}),
        (["[[1, 2]]"], [[1, 2]], {}),
        (["[]"], [], {}),
        (['["a"]', "n=3"], ["a"], {"n": 3}),
        (["name=Ann", "n=3", "empty="], [], {"name": "Ann", "n": 3, "empty": ""}),
        (["https://x.y/?a=b", "1=2", "a.b=c", '"a=b"'], ["https://x.y/?a=b", "1=2", "a.b=c", "a=b"], {}),
        (["NaN", "Infinity", "[1,"], ["NaN", "Infinity", "[1,"], {}),
        (["größe=1"], [], {"größe": 1}),
    ],
)
def test_words_are_json_if_they_can_be_read_as_such(
    words: list[str], positional: list[Any], named: dict[str, Any]
) -> None:
    assert given(*words) == (positional, named)


def test_a_named_argument_given_twice_is_refused() -> None:
    with pytest.raises(Misused, match="'a' is given twice"):
        request_of("t", ("a=1",), ("a=2",), {})


def test_kw_needs_a_name() -> None:
    with pytest.raises(Misused, match="--kw"):
        request_of("t", (), ("oops",), {})


def test_a_word_keeps_what_was_typed_and_an_item_of_a_list_does_not() -> None:
    assert request_of("t", ("42",), (), {}).positional == (Word(42, "42"),)
    assert request_of("t", ("[42]",), (), {}).positional == (Word(42),)


def test_the_id_alone_goes_into_a_pipe(shop: Shop) -> None:
    result = call("enqueue", f"{shop.module}.add", "1", "2", "--app", shop.path)
    assert result.exit_code == 0
    assert shop.app.client.get(result.stdout.strip()).task == f"{shop.module}.add"


def test_with_the_app_the_options_of_the_task_apply(shop: Shop) -> None:
    document = ask("enqueue", f"{shop.module}.send_mail", "a@b.c", "subject=Hi", "--app", shop.path)
    assert document["job"]["queue"] == "mail"
    assert shop.app.client.arguments(document["id"]) == [["a@b.c"], {"subject": "Hi"}]


def test_with_the_app_wrong_arguments_are_refused_and_nothing_is_enqueued(shop: Shop) -> None:
    result = call("enqueue", f"{shop.module}.add", "1", "two", "--app", shop.path)
    assert result.exit_code == 2
    assert "b must be int, not str" in result.stderr
    assert shop.app.client.count() == 0


def test_with_the_app_an_unknown_task_gets_the_nearest_name(shop: Shop) -> None:
    result = call("enqueue", f"{shop.module}.send_mial", "x", "--app", shop.path)
    assert result.exit_code == 3
    assert f"did you mean '{shop.module}.send_mail'?" in result.stderr


def test_a_number_is_a_text_where_the_task_asks_for_one(shop: Shop) -> None:
    document = ask("enqueue", f"{shop.module}.send_mail", "42", "--app", shop.path)
    assert shop.app.client.arguments(document["id"]) == [["42"]]


@pytest.mark.parametrize(
    ("task", "word", "value"),
    [("age", "2000-02-29", "datetime.date(2000, 2, 29)"), ("age", "null", "None"), ("age", "born=2000-02-29", None)],
)
def test_values_become_what_the_task_asks_for(shop: Shop, task: str, word: str, value: str | None) -> None:
    job = shop.app.client.handle(ask("enqueue", f"{shop.module}.{task}", word, "--app", shop.path)["id"])
    shop.work()
    assert job.result(0) == (value or "datetime.date(2000, 2, 29)")


def test_an_object_becomes_the_dataclass_that_the_task_asks_for(shop: Shop) -> None:
    job = shop.app.client.handle(ask("enqueue", f"{shop.module}.ship", '{"weight": 2.5}', "--app", shop.path)["id"])
    shop.work()
    assert type(job.result(0)).__name__ == "Parcel"


def test_without_an_app_the_job_is_taken_as_it_is(shop: Shop) -> None:
    words = (f"{shop.module}.add", "1", "2", "--store", shop.url, "--queue", "mail", "--priority", "5", "--tag", "x")
    job = ask("enqueue", *words)["job"]
    assert (job["queue"], job["priority"], job["tags"], job["state"]) == ("mail", 5, ["x"], "ready")
    shop.work()
    assert shop.app.client.handle(job["id"]).result(0) == 3


def test_without_an_app_what_was_asked_for_holds_even_if_it_is_the_usual_value(shop: Shop) -> None:
    job = ask("enqueue", "t", "--store", shop.url, "--attempts", "3", "--timeout", "2m")["job"]
    assert job["options"] == {"attempts": 3, "timeout": 120.0}
    assert ask("enqueue", "t", "--store", shop.url)["job"]["options"] == {}


def test_without_an_app_the_format_of_the_store_is_kept(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(format="msgpack")
    shop.task("add").enqueue(1, 1)
    job = ask("enqueue", f"{shop.module}.add", "1", "2", "--store", shop.url)["job"]
    shop.work()
    assert shop.app.client.handle(job["id"]).result(0) == 3


def test_the_first_job_creates_the_store(tmp_path: Path) -> None:
    assert call("enqueue", "t", "--store", "sqlite:///new.db").exit_code == 0
    assert (tmp_path / "new.db").exists()


def test_a_taken_key_is_a_conflict_that_names_the_job(shop: Shop) -> None:
    first = ask("enqueue", "t", "--store", shop.url, "--unique", "k")
    result = call("enqueue", "t", "--store", shop.url, "--unique", "k")
    assert result.exit_code == 4
    assert f"queuemgr jobs wait {first['id']}" in result.stderr
    again = ask("enqueue", "t", "--store", shop.url, "--unique", "k", "--on-conflict", "existing")
    assert (again["id"], again["existing"]) == (first["id"], True)
    newer = ask("enqueue", "t", "--store", shop.url, "--unique", "k", "--on-conflict", "replace")
    assert shop.app.client.get(first["id"]).state is State.CANCELLED
    assert shop.app.client.get(newer["id"]).unique_key == "k"


def test_delay_at_and_held_put_it_off(shop: Shop) -> None:
    before = time.time()
    delayed = ask("enqueue", "t", "--store", shop.url, "--delay", "2h30m")["job"]
    assert delayed["state"] == "scheduled"
    assert 9000 <= delayed["run_at"] - before < 9060
    at = ask("enqueue", "t", "--store", shop.url, "--at", "2126-12-01T10:00+01:00")["job"]
    assert at["run_at"] == datetime(2126, 12, 1, 9, tzinfo=UTC).timestamp()
    assert ask("enqueue", "t", "--store", shop.url, "--held")["job"]["state"] == "held"


@pytest.mark.parametrize(
    "words",
    [
        ["--delay", "soon"],
        ["--at", "yesterday"],
        ["--priority", "10"],
        ["--attempts", "0"],
        ["--delay", "1", "--at", "9:00"],
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense_are_wrong_usage(shop: Shop, words: list[str]) -> None:
    assert call("enqueue", "t", "--store", shop.url, *words).exit_code == 2
    assert shop.app.client.count() == 0


def test_it_is_told_when_no_worker_runs(shop: Shop) -> None:
    document = ask("enqueue", "t", "--store", shop.url)
    assert [one["command"] for one in document["obstacles"]] == ["queuemgr worker MODULE:APP"]
    assert "no worker is running" in call("enqueue", "t", "--store", shop.url).stderr


def test_it_is_told_when_no_worker_knows_the_task_or_takes_the_queue(shop: Shop, join: Callable[..., None]) -> None:
    join(queues=("default",), tasks=("shop.add",))
    assert ask("enqueue", "shop.add", "--store", shop.url)["obstacles"] == []
    told = ask("enqueue", "shop.ad", "--store", shop.url, "--queue", "defalt")["obstacles"]
    assert "until a worker knows task 'shop.ad': did you mean 'shop.add'?" in told[0]["why"]
    assert "no worker takes jobs from queue 'defalt': did you mean 'default'?" in told[1]["why"]


def test_it_is_told_when_the_queue_is_paused(shop: Shop, join: Callable[..., None]) -> None:
    join(queues=("default",), tasks=("t",))
    shop.app.client.pause("default")
    told = ask("enqueue", "t", "--store", shop.url)["obstacles"]
    assert [one["command"] for one in told] == ["queuemgr queues resume default"]


def test_waiting_in_vain_has_a_code_of_its_own(shop: Shop) -> None:
    result = call("enqueue", "t", "--store", shop.url, "--wait-timeout", "0.05")
    assert result.exit_code == 124
    assert "is still ready" in result.stderr
    assert "Traceback" not in result.stderr
    assert shop.app.client.count() == 1
