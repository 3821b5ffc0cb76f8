"""Failures are gathered by their cause, and each group leads to its jobs and runs again as one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.web.browser.rig import Shop, visit

from .yard import settled

pytestmark = pytest.mark.needs("chromium")


def group(page: Page, error: str) -> Locator:
    return page.locator("tbody tr").filter(has_text=error)


def test_each_cause_is_one_group_with_its_number_example_and_place(page: Page, yard: Shop) -> None:
    visit(page, yard, "failures")
    refused = group(page, "ConnectionError")
    expect(refused.locator("td").first).to_have_text("4")
    expect(refused).to_contain_text("program.py:send")
    expect(refused).to_contain_text(re.compile(r"for example: the server of user\d@example.org refused"))
    expect(refused.get_by_role("link", name="mail")).to_be_visible()
    expect(group(page, "ValueError").locator("td").first).to_have_text("2")


def test_a_group_leads_to_its_jobs_and_to_no_others(page: Page, yard: Shop) -> None:
    visit(page, yard, "failures")
    group(page, "ConnectionError").get_by_role("link", name="ConnectionError").click()
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(4)


def test_a_group_is_retried_after_a_look_at_its_number(page: Page, yard: Shop) -> None:
    sent: list[Any] = []

    def take(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json={"verb": "retry", "changed": 2})

    page.route("**/api/v1/change-matching", take)
    settled(page, yard, "failures")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Will retry 2 jobs")
    page.keyboard.press("Escape")
    group(page, "ValueError").get_by_role("button", name="Retry all that failed with ValueError").click()
    expect(dialog).to_contain_text("was declined")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="2 jobs run again")).to_be_visible()
    [body] = sent
    ids = {job["id"] for job in yard.ask("GET", "/api/v1/jobs?queue=payments&state=dead")["jobs"]}
    assert body["verb"] == "retry"
    assert set(body["query"]["ids"]) == ids


def test_a_system_without_failures_says_so(page: Page, yard: Shop) -> None:
    visit(page, yard, "failures?q=queue:reports")
    expect(page.get_by_text("Nothing has failed")).to_be_visible()
