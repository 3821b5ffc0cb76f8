"""`queuemgr schedules`."""

from __future__ import annotations

import pytest

from .conftest import Shop, ask, call

KEYS = {
    *("name", "rule", "zone", "kind", "words", "task", "queue", "missed", "paused", "next_at", "last_at", "last_job"),
}


def test_a_schedule_is_added_and_listed(shop: Shop) -> None:
    words = ("schedules", "add", "nightly", "0 3 * * *", f"{shop.module}.add", "1", "2", "--zone", "Europe/Berlin")
    added = ask(*words, "--app", shop.path)
    assert added.keys() == {"at", "schedule", "replaced", "obstacles"}
    assert added["replaced"] is False
    [listed] = ask("schedules", "list", "--store", shop.url)["schedules"]
    assert listed == added["schedule"]
    assert listed.keys() == KEYS
    assert (listed["rule"], listed["zone"], listed["kind"]) == ("0 3 * * *", "Europe/Berlin", "cron")
    assert listed["words"] == "every day at 03:00 (Europe/Berlin)"
    assert ask(*words, "--app", shop.path)["replaced"] is True


def test_an_interval_has_no_zone(shop: Shop) -> None:
    schedule = ask("schedules", "add", "pulse", "every 90s", "t", "--store", shop.url)["schedule"]
    assert (schedule["rule"], schedule["zone"], schedule["kind"]) == ("every 1 min 30 s", None, "every")


def test_its_job_is_run_at_once_on_demand(shop: Shop) -> None:
    task = f"{shop.module}.add"
    call("schedules", "add", "pulse", "every 1h", task, "1", "2", "--queue", "odd", "--app", shop.path)
    job_id = call("schedules", "run", "pulse", "--store", shop.url).stdout.strip()
    assert shop.app.client.get(job_id).queue == "odd"
    shop.work()
    assert shop.app.client.handle(job_id).result(0) == 3


def test_arguments_are_checked_against_the_task(shop: Shop) -> None:
    result = call("schedules", "add", "pulse", "every 1h", f"{shop.module}.add", "1", "--app", shop.path)
    assert result.exit_code == 2
    assert shop.app.client.schedules() == []


def test_it_is_paused_resumed_and_removed(shop: Shop) -> None:
    call("schedules", "add", "pulse", "every 1h", "t", "--store", shop.url)
    assert ask("schedules", "pause", "pulse", "--store", shop.url)["schedule"]["paused"] is True
    assert ask("schedules", "resume", "pulse", "--store", shop.url)["schedule"]["paused"] is False
    assert ask("schedules", "remove", "pulse", "--store", shop.url) == {"removed": "pulse"}
    assert shop.app.client.schedules() == []


def test_it_fires_at_other_times_and_its_job_stays_as_it_is(shop: Shop) -> None:
    words = ("schedules", "add", "nightly", "0 3 * * *", f"{shop.module}.add", "1", "2", "--zone", "Europe/Berlin")
    call(*words, "--queue", "odd", "--missed", "all", "--app", shop.path)
    call("schedules", "pause", "nightly", "--store", shop.url)
    changed = ask("schedules", "change", "nightly", "30 4 * * *", "--store", shop.url)["schedule"]
    assert changed["words"] == "every day at 04:30 (Europe/Berlin)"
    assert (changed["missed"], changed["paused"], changed["queue"]) == ("all", True, "odd")
    job_id = call("schedules", "run", "nightly", "--store", shop.url).stdout.strip()
    shop.work()
    assert shop.app.client.handle(job_id).result(0) == 3


def test_another_zone_alone_moves_it_and_another_policy_alone_does_not(shop: Shop) -> None:
    before = ask("schedules", "add", "nightly", "0 3 * * *", "t", "--store", shop.url)["schedule"]
    moved = ask("schedules", "change", "nightly", "--zone", "Asia/Tokyo", "--store", shop.url)["schedule"]
    assert moved["words"] == "every day at 03:00 (Asia/Tokyo)"
    assert moved["next_at"] != before["next_at"]
    kept = ask("schedules", "change", "nightly", "--missed", "skip", "--store", shop.url)["schedule"]
    assert kept == moved | {"missed": "skip"}


def test_an_interval_takes_the_place_of_a_cron_expression_and_back(shop: Shop) -> None:
    call("schedules", "add", "pulse", "every 1h", "t", "--store", shop.url)
    daily = ask("schedules", "change", "pulse", "@daily", "--store", shop.url)["schedule"]
    assert (daily["kind"], daily["zone"]) == ("cron", "UTC")
    assert ask("schedules", "change", "pulse", "every 5m", "--store", shop.url)["schedule"]["kind"] == "every"
    result = call("schedules", "change", "pulse", "whenever", "--store", shop.url)
    assert result.exit_code == 2
    assert ask("schedules", "list", "--store", shop.url)["schedules"][0]["rule"] == "every 5 minutes"


@pytest.mark.parametrize("verb", ["change", "pause", "resume", "run", "remove", "preview"])
def test_a_schedule_that_is_not_there_is_not_found(shop: Shop, verb: str) -> None:
    call("schedules", "add", "pulse", "every 1h", "t", "--store", shop.url)
    result = call("schedules", verb, "puls", "--store", shop.url)
    assert result.exit_code == 3
    assert "there is no schedule 'puls': did you mean 'pulse'?" in result.stderr


def test_a_rule_is_previewed_without_a_store() -> None:
    document = ask("schedules", "preview", "*/5 * * * *", "--count", "3")
    assert document["words"] == "every 5 minutes"
    first, second, third = document["firings"]
    assert first > document["at"]
    assert (second - first, third - second, first % 300) == (300, 300, 0)


def test_a_schedule_is_previewed_by_its_name(shop: Shop) -> None:
    call("schedules", "add", "pulse", "every 1h", "t", "--store", shop.url)
    assert ask("schedules", "preview", "pulse", "--store", shop.url)["words"] == "every hour"


def test_a_date_that_never_comes_is_told() -> None:
    assert "it never fires" in call("schedules", "preview", "0 0 30 2 *").stdout


@pytest.mark.parametrize(("rule", "told"), [("0 3 * *", "is not a schedule"), ("every 5 fortnights", "is not a sched")])
def test_a_rule_that_cannot_be_read_is_wrong_usage(shop: Shop, rule: str, told: str) -> None:
    for words in (["preview", rule], ["add", "x", rule, "t"]):
        result = call("schedules", *words, "--store", shop.url)
        assert result.exit_code == 2
        assert told in result.stderr


def test_a_wrong_zone_gets_the_nearest_right_one() -> None:
    result = call("schedules", "preview", "0 3 * * *", "--zone", "Europe/Berlim")
    assert result.exit_code == 2
    assert "did you mean 'Europe/Berlin'?" in result.stderr


def test_people_see_when_it_fires_next(shop: Shop, terminal: None) -> None:
    text = call("schedules", "add", "pulse", "every 1h", "t", "--store", shop.url).stdout
    assert "schedule pulse added: t every hour, next in " in text
    assert "queuemgr schedules preview pulse" in text
    call("schedules", "pause", "pulse", "--store", shop.url)
    assert "paused" in call("schedules", "list", "--store", shop.url).stdout
    call("schedules", "remove", "pulse", "--store", shop.url)
    assert "queuemgr schedules add NAME" in call("schedules", "list", "--store", shop.url).stdout
