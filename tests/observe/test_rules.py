"""Rules as people write them, and what they are told where a rule makes no sense."""

from __future__ import annotations

import pytest

from queuemgr.errors import ConfigError, ValidationError
from queuemgr.service.host.config import HostConfig
from queuemgr.service.observe.config import AlertWish, Notify, without_secrets
from queuemgr.service.observe.rules import Rule, parse, rules_of


@pytest.mark.parametrize(
    ("text", "metric", "operator", "threshold", "queue", "lasting"),
    [
        ("queue_length > 10000", "queue_length", ">", 10000, None, 0),
        ("failure_rate > 5%", "failure_rate", ">", 0.05, None, 0),
        ("avg_latency > 60s", "avg_latency", ">", 60, None, 0),
        ("worker_utilization > 90%", "worker_utilization", ">", 0.9, None, 0),
        ("failure_rate>=0.5", "failure_rate", ">=", 0.5, None, 0),
        ("queue_length > 10k in mail for 5m", "queue_length", ">", 10000, "mail", 300),
        ("oldest_wait > 2min for 1h30m", "oldest_wait", ">", 120, None, 5400),
        ("avg_wait < 250 ms", "avg_wait", "<", 0.25, None, 0),
        ("workers < 1 for 30s", "workers", "<", 1, None, 30),
        ("memory > 1.5 GiB", "memory", ">", 1.5 * 2**30, None, 0),
        ("processing_rate <= 60/min in *", "processing_rate", "<=", 1, "*", 0),
        ("dead > 1_000", "dead", ">", 1000, None, 0),
        ("queue_length > 10,000", "queue_length", ">", 10000, None, 0),
    ],
)
def test_a_rule_is_read_as_it_is_written(
    text: str, metric: str, operator: str, threshold: float, queue: str | None, lasting: float
) -> None:
    rule = parse(text, "page")
    assert (rule.name, rule.metric, rule.operator, rule.queue, rule.lasting, rule.severity) == (
        *(text, metric, operator, queue, lasting, "page"),
    )
    assert rule.threshold == pytest.approx(threshold)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("queue_lenght > 5", "did you mean 'queue_length'"),
        ("queue_length", "write METRIC > NUMBER"),
        ("queue_length > many", "write METRIC > NUMBER"),
        ("queue_length == 5", "write METRIC > NUMBER"),
        ("failure_rate > 5", "write 5% or 0.05"),
        ("avg_latency > 60 parsecs", "has no unit 'parsecs'"),
        ("queue_length > 5%", "has no unit '%'"),
        ("memory > 2 in mail", "not for a queue"),
        ("dead > 1 for ever", "is no duration"),
        ("dead > 1 for 8d", "is no duration of at most 7 days"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(text)
    assert told in str(caught.value)


def test_a_configuration_gives_a_severity_or_a_table_of_more() -> None:
    wishes = {
        "queue_length > 10000": "high_priority",
        "failure_rate > 5%": AlertWish(severity="low", queue="mail", lasting="5m"),
    }
    plain, more = rules_of(wishes, "configuration")
    assert (plain.severity, plain.queue, plain.lasting) == ("high_priority", None, 0)
    assert (more.severity, more.queue, more.lasting, more.origin) == ("low", "mail", 300, "configuration")


def test_words_in_the_rule_win_over_what_stands_beside_it() -> None:
    rule = parse("dead > 1 in mail for 5m", queue="other", lasting="1h")
    assert (rule.queue, rule.lasting) == ("mail", 300)


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
    ],
)
def test_each_operator_compares_as_it_says(operator: str, below: bool, at: bool, above: bool) -> None:
    rule = Rule(name="r", metric="dead", operator=operator, threshold=5)
    assert (rule.holds(4), rule.holds(5), rule.holds(6), rule.holds(None)) == (below, at, above, False)


def test_a_service_refuses_a_configuration_with_a_wrong_rule() -> None:
    with pytest.raises(ConfigError, match="alerts cannot be used: there is no metric 'queue'"):
        HostConfig(alerts={"queue > 5": "warning"})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "one of webhook, email and command"),
        ({"webhook": "https://a", "email": ("a@b",)}, "one of webhook, email and command"),
        ({"webhook": "file:///etc/passwd"}, "cannot use the webhook"),
        ({"email": ("a@b",), "server": "http://mail"}, "cannot use its mail server"),
        ({"email": ("a@b\nBcc: c@d",)}, "as an address of mail"),
        ({"command": ("page",), "timeout": 0}, "timeout above 0"),
    ],
)
def test_whom_to_notify_is_checked(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Notify(**settings)  # type: ignore[arg-type]


def test_settings_are_shown_without_what_is_secret() -> None:
    notify = [
        {"webhook": "https://user:pw@hooks.example/T0/SECRET", "secret": "abc"},
        {"email": ["a@b.c"], "server": "smtp://me:pw@mail:25"},
    ]
    shown = without_secrets(notify)
    assert shown[0] == {"webhook": "https://hooks.example", "secret": "•••"}
    assert shown[1] == {"email": ["a@b.c"], "server": "smtp://mail:25"}
    assert Notify(webhook="https://user:pw@hooks.example/T0/SECRET").name == "webhook https://hooks.example"
