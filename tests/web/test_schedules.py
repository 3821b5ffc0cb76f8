"""A rule is shown its next moments before anybody keeps it, and a schedule is given another one."""

from __future__ import annotations

from tests.web.rig import Asked


def test_a_rule_is_previewed_without_a_schedule(asked: Asked) -> None:
    told = asked("GET", "/api/v1/schedules/new/firings?rule=every+10s&count=3").json
    assert told["words"] == "every 10 s"
    first, second, third = told["firings"]
    assert (second - first, third - second) == (10, 10)


def test_a_preview_says_what_is_wrong_with_a_rule_a_zone_or_a_count(asked: Asked) -> None:
    for query, told in (
        ("rule=whenever", "is not a schedule"),
        ("rule=0+3+*+*+*&zone=Berlin", "Europe/Berlin"),
        ("rule=every+10s&count=0", "1 to 1,000"),
    ):
        answer = asked("GET", f"/api/v1/schedules/new/firings?{query}")
        assert answer.status in (400, 422), query
        assert told in answer.json["detail"], query


def test_a_schedule_that_is_there_is_previewed_by_its_own_rule_or_by_another(asked: Asked) -> None:
    body = {"rule": "0 3 * * *", "zone": "Europe/Berlin", "missed": "once", "task": "shop.clean"}
    assert asked("PUT", "/api/v1/schedules/nightly", body).status < 300
    assert asked("GET", "/api/v1/schedules/nightly/firings").json["words"] == "every day at 03:00 (Europe/Berlin)"
    assert asked("GET", "/api/v1/schedules/nightly/firings?rule=every+1h").json["words"] == "every hour"
    changed = asked("POST", "/api/v1/schedules/nightly/change", {"rule": "every 1h"}).json["schedule"]
    assert (changed["words"], changed["task"]) == ("every hour", "shop.clean")
