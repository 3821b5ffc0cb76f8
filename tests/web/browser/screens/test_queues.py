"""The queues can be paused, limited, emptied and run again where they are listed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.browser.rig import Shop, visit
from tests.web.rig import Server

from .yard import settled

pytestmark = pytest.mark.needs("chromium")


def row(page: Page, name: str) -> Locator:
    return page.locator(f'tr[data-id="{name}"]')


def queue(yard: Shop, name: str) -> Any:
    return next(one for one in yard.ask("GET", "/api/v1/queues")["queues"] if one["name"] == name)


def test_a_queue_is_paused_and_resumed_with_the_pointer_and_with_a_key(page: Page, yard: Shop) -> None:
    yard.enqueue("yard.waits", queue="calm")
    settled(page, yard, "queues")
    row(page, "calm").get_by_role("button", name="Pause calm").click()
    expect(row(page, "calm").get_by_text("paused")).to_be_visible()
    row(page, "calm").get_by_role("link", name="calm", exact=True).focus()
    page.keyboard.press("p")
    expect(row(page, "calm").get_by_text("paused")).to_have_count(0)
    assert queue(yard, "calm")["paused"] is False


def test_a_limit_is_changed_in_place_and_taken_away(page: Page, yard: Shop) -> None:
    yard.enqueue("yard.waits", queue="narrow")
    settled(page, yard, "queues")
    limit = row(page, "narrow").get_by_role("button", name="Change the limit")
    row(page, "narrow").get_by_role("link", name="narrow", exact=True).focus()
    page.keyboard.press("e")
    expect(page.get_by_label("How many jobs of narrow")).to_be_focused()
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(limit).to_contain_text("0 of 3")
    expect(limit).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("How many jobs of narrow")).to_have_value("3")
    page.keyboard.press("Escape")
    expect(limit).to_contain_text("0 of 3")
    limit.click()
    page.get_by_label("How many jobs of narrow").fill("")
    page.get_by_role("button", name="Set").click()
    expect(limit).not_to_contain_text("of 3")
    assert queue(yard, "narrow")["limit"] is None


def test_what_waits_gets_another_priority_in_place_once_its_number_was_seen(page: Page, yard: Shop) -> None:
    ids = [yard.enqueue("yard.waits", queue="urgent"), yard.enqueue("yard.waits", queue="urgent", delay=3600)]
    settled(page, yard, "queues")
    more = row(page, "urgent").get_by_role("button", name="More for urgent")
    more.click()
    page.get_by_role("menuitem", name="Priority of what waits").click()
    field = page.get_by_label("Priority of what waits in urgent")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Priority of what waits").click()
    field.fill("7")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Will give 2 waiting jobs priority 7")
    dialog.get_by_role("button", name="Change priority").click()
    expect(page.get_by_role("status").filter(has_text="2 jobs now of priority 7")).to_be_visible()
    expect(field).to_have_count(0)
    assert [yard.ask("GET", f"/api/v1/jobs/{job_id}")["job"]["priority"] for job_id in ids] == [7, 7]


def test_a_queue_is_emptied_once_its_number_of_waiting_jobs_was_seen(page: Page, yard: Shop) -> None:
    for _ in range(3):
        yard.enqueue("yard.waits", queue="rubbish")
    yard.enqueue("yard.waits", queue="rubbish", delay=3600)
    visit(page, yard, "queues")
    row(page, "rubbish").get_by_role("button", name="More for rubbish").click()
    page.get_by_role("menuitem", name="Drain").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Will delete 4 jobs")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="4 jobs deleted")).to_be_visible()
    expect(row(page, "rubbish")).to_have_count(0)


def test_a_queue_without_workers_says_how_to_start_one_and_leads_to_its_jobs(page: Page, yard: Shop) -> None:
    yard.enqueue("yard.waits", queue="nobody's")
    visit(page, yard, "queues")
    lonely = page.locator("tr").filter(has_text="nobody's")
    expect(lonely).to_contain_text("no workers")
    expect(lonely).to_contain_text("queuemgr worker MODULE:APP --queue 'nobody'\\''s'")
    expect(row(page, "reports")).not_to_contain_text("no workers")
    lonely.get_by_role("link", name="nobody's", exact=True).click()
    expect(page).to_have_url(re.compile("#/jobs"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_all_dead_jobs_of_a_queue_run_again_after_a_look_at_their_number(page: Page, yard: Shop) -> None:
    settled(page, yard, "queues")
    row(page, "payments").get_by_role("button", name="More for payments").click()
    page.get_by_role("menuitem", name="Retry all dead").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Will retry 2 jobs")
    dialog.get_by_role("button", name="Not now").click()
    expect(row(page, "payments").get_by_role("button", name="More for payments")).to_be_focused()
    assert queue(yard, "payments")["counts"]["dead"] == 2


def test_the_rate_of_the_last_hour_is_drawn_where_there_is_a_history(page: Page, yard: Shop) -> None:
    series = {"processing_rate": [None, 0.5, 1.5, 2.0]}
    facts = {"at": 0, "start": 0, "step": 60, "queue": "mail", "series": series}
    page.route("**/api/v1/history?queue=mail*", lambda route: route.fulfill(json=facts))
    visit(page, yard, "queues")
    expect(row(page, "mail").get_by_role("img", name="Rate in the last hour, now 2/s")).to_be_visible()


def test_a_read_only_page_says_why_nothing_can_be_changed(page: Page, yard: Shop, tmp_path: Path) -> None:
    with Server(tmp_path, yard.store, "--read-only") as server:
        page.goto(f"{server.url}/#/queues")
        expect(page.get_by_text("This page is read only")).to_be_visible()
        expect(row(page, "mail")).to_be_visible()
        for name in ("Pause mail", "Change the limit"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        for screen, offer in (("schedules", "Add a schedule"), ("alerts", "Add a rule"), ("workers", "Stop yard-1")):
            page.goto(f"{server.url}/#/{screen}")
            expect(page.get_by_text("This page is read only")).to_be_visible()
            expect(page.get_by_role("button", name=offer)).to_have_count(0)
        page.goto("about:blank")
