"""Every screen is reached and used with the keyboard alone: no pointer is moved, and no field is found by a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .pressing import down_to, press, tab_to, to_screen
from .rig import Held, Shop, visit

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def keys(tab: Page, shop: Shop) -> Page:
    """A page on which nothing but keys will be pressed."""
    visit(tab, shop, "overview")
    expect(tab.get_by_text("Live", exact=True)).to_be_visible()
    return tab


def test_from_a_figure_of_the_overview_to_its_jobs(keys: Page) -> None:
    tab_to(keys, "Running")
    press(keys, "Enter")
    expect(keys).to_have_url(re.compile("state:running"))
    expect(keys.locator("tbody tr")).to_have_count(1)


def test_from_the_list_to_a_job_that_is_held_copied_and_released(keys: Page, shop: Shop) -> None:
    keys.context.grant_permissions(["clipboard-read", "clipboard-write"])
    job_id = shop.enqueue("shop.keyed", queue="keyed")
    to_screen(keys, "j", "Jobs")
    press(keys, "/")
    keys.keyboard.type("queue:keyed")
    press(keys, "Enter", "Escape")
    expect(keys.locator("tbody tr")).to_have_count(1)
    press(keys, "j", "Enter")
    expect(keys.get_by_role("heading", level=1)).to_have_text("shop.keyed")
    expect(keys.get_by_role("button", name="Hold")).to_be_visible()
    press(keys, "h")
    expect(keys.locator(".head .state")).to_have_text("Held")
    tab_to(keys, "Copy as")
    press(keys, "Enter", "ArrowDown", "Enter")
    expect(keys.get_by_text("Copied")).to_be_visible()
    assert "queuemgr enqueue shop.keyed" in keys.evaluate("() => navigator.clipboard.readText()")
    tab_to(keys, "Release")
    press(keys, "Enter")
    expect(keys.locator(".head .state")).to_have_text("Ready")
    assert shop.job("queue=keyed")["id"] == job_id


def test_a_queue_is_paused_and_resumed(keys: Page, shop: Shop) -> None:
    shop.enqueue("shop.keyed", queue="keyed-too")
    to_screen(keys, "q", "Queues")
    down_to(keys, "keyed-too")
    press(keys, "p")
    expect(keys.locator("tr", has_text="keyed-too").get_by_text("paused")).to_be_visible()
    press(keys, "p")
    expect(keys.locator("tr", has_text="keyed-too").get_by_text("paused")).to_have_count(0)


def test_a_worker_rests_and_goes_on(keys: Page) -> None:
    to_screen(keys, "w", "Workers")
    tab_to(keys, "Quiet")
    press(keys, "Enter")
    expect(keys.get_by_role("button", name="Resume")).to_be_visible()
    tab_to(keys, "Resume")
    press(keys, "Enter")
    expect(keys.get_by_role("button", name="Quiet")).to_be_visible()


def test_a_schedule_is_paused(keys: Page, shop: Shop) -> None:
    schedule = {"rule": "every 1h", "zone": "UTC", "missed": "skip", "task": "shop.keyed"}
    shop.ask("PUT", "/api/v1/schedules/hourly-keyed", schedule)
    to_screen(keys, "s", "Schedules")
    down_to(keys, "hourly-keyed")
    press(keys, "p")
    expect(keys.locator("tr", has_text="hourly-keyed").get_by_text("paused")).to_be_visible()
    shop.ask("DELETE", "/api/v1/schedules/hourly-keyed")


def test_the_jobs_of_one_cause_run_again(keys: Page, shop: Shop) -> None:
    to_screen(keys, "f", "Failures")
    down_to(keys, "ValueError")
    press(keys, "r")
    expect(keys.get_by_role("dialog")).to_contain_text("1")
    press(keys, "Enter")
    expect(keys.get_by_role("dialog")).to_have_count(0)
    expect(keys.get_by_role("status").filter(has_text="1 job")).to_be_visible()
    shop.await_counts()


def test_a_rule_is_added_and_removed(keys: Page) -> None:
    to_screen(keys, "a", "Alerts")
    press(keys, "n")
    expect(keys.get_by_role("dialog")).to_be_visible()
    tab_to(keys, "For", most=12)
    press(keys, "Enter")
    row = keys.locator("tr", has_text="queue_length > 1000 for 5m")
    expect(row).to_be_visible()
    tab_to(keys, "queue_length > 1000 for 5m")
    press(keys, "Enter", "ArrowDown", "Enter")
    expect(keys.get_by_role("dialog")).to_be_visible()
    tab_to(keys, "Remove", most=6)  # what cannot be taken back is not what Enter does by itself
    press(keys, "Enter")
    expect(row).to_have_count(0)


def test_the_audit_list_is_walked_and_left_by_the_palette(keys: Page, shop: Shop) -> None:
    shop.enqueue("shop.keyed", queue="keyed")
    to_screen(keys, "u", "Audit")
    press(keys, "j")
    assert keys.evaluate("() => Boolean(document.activeElement.closest('tbody tr'))")
    press(keys, "Control+k")
    keys.keyboard.type("overview")
    press(keys, "Enter")
    expect(keys.get_by_role("heading", level=1)).to_have_text("Overview")


def test_what_is_typed_before_the_palette_is_there_belongs_to_it(page: Page, shop: Shop) -> None:
    on_its_way = Held(page, "**/shell/palette/palette.js")
    visit(page, shop, "overview")
    to_screen(page, "q", "Queues")
    press(page, "Control+k")
    page.keyboard.type("schex")
    press(page, "Backspace", "d", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Queues")
    on_its_way.await_one().continue_()
    expect(page.get_by_role("heading", level=1)).to_have_text("Schedules")


def test_keys_mean_what_they_did_where_the_palette_cannot_be_had(page: Page, shop: Shop) -> None:
    page.route("**/shell/palette/palette.js", lambda route: route.abort())
    visit(page, shop, "overview")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    press(page, "Control+k")
    expect(page.get_by_role("status").filter(has_text="does not answer")).to_be_visible()
    to_screen(page, "q", "Queues")


def test_the_palette_opens_once_however_often_it_is_asked_for_before_it_is_there(page: Page, shop: Shop) -> None:
    on_its_way = Held(page, "**/shell/palette/palette.js")
    visit(page, shop, "overview")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    press(page, "Control+k", "Control+k")
    page.keyboard.type("audit")
    on_its_way.await_one().continue_()
    expect(page.get_by_role("combobox", name="Go to, or do")).to_have_value("audit")
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    to_screen(page, "q", "Queues")
