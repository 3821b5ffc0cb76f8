"""What can be done with schedules, with groups of failures and with alert rules."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

from queuemgr.job import State

from .acting import Action, asking, own_queue, summoned
from .hands import Hands, arrived, told
from .store import Million


def schedule(hands: Hands, store: Million) -> None:
    name = own_queue(hands, "nightly")
    hands.go("s")
    hands.use("Add a schedule", "n")
    hands.write("Name", name)
    hands.write("Task", "shop.tidy")
    hands.write("Rule", "every 2h")
    hands.write("Queue", name)
    hands.confirm("Add a schedule")
    told(hands.page, f"{name} is added")
    assert _facts(store, name)["rule"] == "every 2 hours"
    hands.use_at(name, f"Run {name} now", "r")
    told(hands.page, f"{name} runs now")
    assert store.number(name, State.READY) == 1
    _turned(hands, store, name)
    hands.choose(f"More for {name}", "Edit", row=name)
    hands.write("Rule", "every 3h")
    hands.confirm("Keep")
    told(hands.page, f"{name} is changed")
    assert _facts(store, name)["rule"] == "every 3 hours"
    hands.choose(f"More for {name}", "Remove", row=name)
    hands.confirm("Remove")
    told(hands.page, f"{name} is removed")
    assert _facts(store, name) is None


def _turned(hands: Hands, store: Million, name: str) -> None:
    """By its menu, or by its key."""
    for item, said, paused in (("Pause", "is paused", True), ("Resume", "goes on", False)):
        if hands.word == "keys":
            hands.use_at(name, "", "p")
        else:
            hands.choose(f"More for {name}", item, row=name)
        told(hands.page, f"{name} {said}")
        assert _facts(store, name)["paused"] is paused


def edit(hands: Hands, store: Million) -> None:
    """By its name, or by its key."""
    name = own_queue(hands, "moved")
    _put(store, name)
    hands.go("s")
    hands.use_at(name, name, "e")
    hands.write("Rule", "every 5h")
    hands.confirm("Keep")
    told(hands.page, f"{name} is changed")
    assert _facts(store, name)["rule"] == "every 5 hours"


def schedule_by_palette(hands: Hands, store: Million) -> None:
    name = own_queue(hands, "summoned")
    _put(store, name)
    hands.go("o")
    summoned(hands, f"run {name}", f"Run {name} now")
    told(hands.page, f"{name} runs now")
    assert store.number(name, State.READY) == 1
    summoned(hands, f"pause schedule {name}", f"Pause schedule {name}")
    told(hands.page, f"{name} is paused")
    assert _facts(store, name)["paused"] is True
    summoned(hands, f"resume schedule {name}", f"Resume schedule {name}")
    told(hands.page, f"{name} goes on")
    assert _facts(store, name)["paused"] is False
    summoned(hands, "add a schedule", "Add a schedule")
    expect(hands.page.get_by_role("dialog", name="Add a schedule")).to_be_visible()


def _put(store: Million, name: str) -> None:
    body = {"rule": "every 1h", "zone": "UTC", "missed": "skip", "task": "shop.tidy", "options": {"queue": name}}
    store.ask("PUT", f"/api/v1/schedules/{name}", body)


def _facts(store: Million, name: str) -> Any:
    return next((one for one in store.ask("GET", "/api/v1/schedules")["schedules"] if one["name"] == name), None)


def retry_group(hands: Hands, store: Million) -> None:
    why = f"the well of the {hands.word} is dry"
    ids = store.put(3, State.DEAD, queue="failed", error=why)
    other = store.put(1, State.DEAD, queue="failed", error="something else")
    hands.go("f")
    hands.use_at(why, "Retry all that failed with RuntimeError", "r")
    expect(hands.page.get_by_role("dialog")).to_contain_text("Will retry 3 jobs")
    hands.confirm("Retry")
    told(hands.page, "3 jobs run again")
    assert store.states(ids) == {"ready"}
    assert store.states(other) == {"dead"}


def group(hands: Hands, store: Million) -> None:
    hands.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    why = f"the mill of the {hands.word} stands"
    ids = store.put(2, State.DEAD, queue="failed", error=why)
    hands.go("f")
    hands.use("Look again")
    hands.choose("More for RuntimeError", "Copy the command", row=why)
    told(hands.page, "Copied")
    hands.choose("More for RuntimeError", "Its jobs", row=why)
    arrived(hands.page, "Jobs")
    expect(hands.page.locator("tbody tr")).to_have_count(2)
    hands.go("f")
    hands.choose("More for RuntimeError", "The newest of them", row=why)
    arrived(hands.page, "shop.put")
    expect(hands.page.locator(".head")).to_contain_text(ids[0])


def rule(hands: Hands, store: Million) -> None:
    bound = "7000001" if hands.word == "keys" else "7000002"
    text = f"queue_length > {bound} for 5m"
    hands.go("a")
    hands.use("Add a rule", "n")
    hands.pick("Severity", "critical")
    hands.write("Value", bound)
    hands.confirm("Add a rule")
    told(hands.page, "The rule is added")
    assert _rules(store)[text] == "critical"
    for menu in (True, False):
        _silenced(hands, store, text if menu else "*")
    hands.choose(f"More for {text}", "Remove", row=text)
    hands.confirm("Remove")
    told(hands.page, "The rule is removed")
    assert text not in _rules(store)


def _silenced(hands: Hands, store: Million, text: str) -> None:
    if text == "*":
        hands.use("Silence all")
    else:
        hands.choose(f"More for {text}", "Silence", row=text)
    hands.pick("For how long", "1 day")
    hands.write("Why", f"the {hands.word} rest")
    hands.confirm("Silence")
    told(hands.page, "Silenced")
    [kept] = store.ask("GET", "/api/v1/alerts")["silences"]
    assert (kept["rule"], kept["why"]) == (text, f"the {hands.word} rest")
    hands.use("End it")
    told(hands.page, "The silence is over")
    assert store.ask("GET", "/api/v1/alerts")["silences"] == []


def _rules(store: Million) -> dict[str, str]:
    return {one["rule"]: one["severity"] for one in store.ask("GET", "/api/v1/alerts")["rules"]}


def rule_by_palette(hands: Hands, store: Million) -> None:
    hands.go("o")
    summoned(hands, "add a rule", "Add a rule")
    form: Locator = hands.page.get_by_role("dialog", name="Add a rule")
    expect(form).to_be_visible()
    hands.confirm("Not now")
    expect(form).to_have_count(0)


OF_SCHEDULE = asking("schedules.add", "schedules.run", "schedules.pause", "schedules.change", "schedules.remove")
OFFERS = tuple(f"schedules.{part}" for part in ("add", "run.of", "more", "pause", "resume", "edit", "remove", "keep"))
ENTRIES = (*(f"palette.schedule.{part}" for part in ("run", "pause", "resume")), "schedules.add")
ACTIONS = (
    Action(
        "keep a schedule from its first to its last day",
        schedule,
        OF_SCHEDULE,
        OFFERS,
        ("schedules n", "schedules r", "schedules p"),
    ),
    Action("change when a schedule fires", edit, asking("schedules.change"), keys=("schedules e",)),
    Action("do that by the palette", schedule_by_palette, asking("schedules.run", "schedules.pause"), palette=ENTRIES),
    Action(
        "retry a group of failures",
        retry_group,
        asking("jobs.change_matching retry"),
        ("failures.retry.of",),
        ("failures r",),
    ),
    Action(
        "look closer at a group of failures",
        group,
        offers=("failures.again", "failures.more", "failures.copy", "failures.jobs", "failures.newest"),
    ),
    Action(
        "keep an alert rule from its first to its last day",
        rule,
        asking("alerts.add", "alerts.silence", "alerts.remove"),
        (
            "alerts.add",
            "alerts.more",
            "alerts.silence",
            "alerts.silence.everything",
            "alerts.silence.end",
            "alerts.remove",
        ),
        ("alerts n",),
    ),
    Action("begin a rule by the palette", rule_by_palette, palette=("alerts.add",)),
)
