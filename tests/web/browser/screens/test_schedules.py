"""Schedules are told in words and moments, added and changed with a look ahead, run, paused and removed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.browser.rig import Shop, visit

from .yard import settled

pytestmark = pytest.mark.needs("chromium")


def row(page: Page, name: str) -> Locator:
    return page.locator(f'tr[data-id="{name}"]')


def schedule(yard: Shop, name: str) -> Any:
    return next((one for one in yard.ask("GET", "/api/v1/schedules")["schedules"] if one["name"] == name), None)


def put(yard: Shop, name: str, rule: str, zone: str = "UTC") -> None:
    body = {"rule": rule, "zone": zone, "missed": "once", "task": "yard.tidy", "options": {"queue": "tidy"}}
    yard.ask("PUT", f"/api/v1/schedules/{name}", body)


def choose(page: Page, name: str, action: str) -> None:
    row(page, name).get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name=action).click()


def test_a_schedule_tells_its_next_five_times_in_the_viewers_zone(page: Page, yard: Shop) -> None:
    put(yard, "tokyo", "30 8 * * *", "Asia/Tokyo")
    visit(page, yard, "schedules")
    expect(row(page, "tokyo")).to_contain_text("every day at 08:30 (Asia/Tokyo)")
    moments = row(page, "tokyo").locator(".moments li")
    expect(moments).to_have_count(5)
    # The viewer is in Berlin, eight hours behind in winter.
    expect(moments.first).to_contain_text(re.compile("0[01]:30"))


TOLD = {
    "every 10m": "каждые 10 минут",
    "every 1h": "каждый час",
    "every 90m": "каждые 1 ч 30 мин",
    "30 8 * * 1-5": "по будням в 08:30 (UTC)",
    "0 9 * * 1": "по понедельникам в 09:00 (UTC)",
    "0 0 5 * *": "числа каждого месяца в 00:00 (UTC)",
    "*/7 2-4 1,15 * *": "*/7 2-4 1,15 * * (UTC)",
}


def test_rules_are_told_in_russian_and_what_has_no_words_stays_as_it_is(page: Page, yard: Shop) -> None:
    for number, rule in enumerate(TOLD):
        put(yard, f"told-{number}", rule)
    page.add_init_script("localStorage.setItem('queuemgr.language', '\"ru\"')")
    visit(page, yard, "schedules")
    for number, words in enumerate(TOLD.values()):
        expect(row(page, f"told-{number}")).to_contain_text(words)
        yard.ask("DELETE", f"/api/v1/schedules/told-{number}")


def test_a_schedule_is_added_with_a_look_at_what_it_will_do(page: Page, yard: Shop) -> None:
    put(yard, "other", "every 1h")
    settled(page, yard, "schedules")
    expect(row(page, "other")).to_be_visible()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Add a schedule")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("nightly")
    dialog.get_by_label("Task", exact=True).fill("yard.tidy")
    dialog.get_by_label("Rule").fill("0 3 * *")
    expect(dialog).to_contain_text("is not a schedule")
    dialog.get_by_label("Rule").fill("0 3 * * *")
    dialog.get_by_label("Time zone").fill("UTC")
    expect(dialog).to_contain_text("every day at 03:00 (UTC)")
    expect(dialog.locator(".moments li")).to_have_count(5)
    dialog.get_by_label("By position, a JSON list").fill("{}")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("[1, 2]")
    dialog.get_by_label("By position, a JSON list").fill('["attic"]')
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="nightly is added")).to_be_visible()
    expect(row(page, "nightly")).to_contain_text("every day at 03:00")
    job = yard.ask("POST", "/api/v1/schedules/nightly/run", {})["id"]
    assert yard.ask("GET", f"/api/v1/jobs/{job}")["arguments"]["positional"] == ["attic"]


def test_a_schedule_gets_another_rule_and_keeps_its_job(page: Page, yard: Shop) -> None:
    put(yard, "moved", "every 1h")
    visit(page, yard, "schedules")
    row(page, "moved").get_by_role("link", name="moved").press("Enter")
    dialog = page.get_by_role("dialog", name="When moved fires")
    dialog.get_by_label("Rule").fill("every 2h")
    expect(dialog).to_contain_text("every 2 hours")
    dialog.get_by_label("Firings that nobody saw").select_option("skip")
    dialog.get_by_role("button", name="Keep").click()
    expect(row(page, "moved")).to_contain_text("every 2 hours")
    found = schedule(yard, "moved")
    assert (found["missed"], found["task"], found["queue"]) == ("skip", "yard.tidy", "tidy")


def test_a_schedule_is_run_paused_resumed_and_removed(page: Page, yard: Shop) -> None:
    put(yard, "pulse", "every 1h")
    settled(page, yard, "schedules")
    row(page, "pulse").get_by_role("button", name="Run pulse now").click()
    expect(page.get_by_role("status").filter(has_text="pulse runs now")).to_be_visible()
    choose(page, "pulse", "Pause")
    expect(row(page, "pulse").get_by_text("paused")).to_be_visible()
    row(page, "pulse").get_by_role("link", name="pulse", exact=True).focus()
    page.keyboard.press("p")
    expect(row(page, "pulse").get_by_text("paused")).to_have_count(0)
    choose(page, "pulse", "Remove")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(row(page, "pulse")).to_have_count(0)
    assert schedule(yard, "pulse") is None
