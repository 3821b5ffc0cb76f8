"""What was changed is listed with who did it and what came of it, page by page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.rig import Shop, visit
from tests.web.rig import Server

pytestmark = pytest.mark.needs("chromium")


def test_a_change_on_the_page_is_in_the_list_and_a_refused_one_too(page: Page, yard: Shop) -> None:
    yard.enqueue("yard.audited", queue="audited")
    visit(page, yard, "queues")
    page.get_by_role("button", name="Pause audited").click()
    expect(page.get_by_role("status").filter(has_text="Queue audited is paused")).to_be_visible()
    yard.server.ask("POST", "/api/v1/queues/pause", {"names": ["unheard-of"]}, X_Queuemgr="1")
    visit(page, yard, "audit")
    paused = page.locator("tbody tr").filter(has_text='names: ["audited"]')
    expect(paused.filter(has_text="Paused queues")).to_contain_text("Done")
    refused = page.locator("tbody tr").filter(has_text="unheard-of")
    expect(refused).to_contain_text("Refused")
    expect(refused).to_contain_text("there is no queue")
    refused.locator("summary").first.press("Enter")
    expect(refused.locator(".json-tree").first).to_be_visible()


def test_the_pages_of_the_list_follow_one_another(page: Page, yard: Shop) -> None:
    for number in range(51):
        yard.ask("PUT", "/api/v1/queues/limit", {"names": ["paged"], "running": number + 1})
    visit(page, yard, "audit")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile(r"after=\d+"))
    expect(page.locator("tbody tr").filter(has_text="Limited queues").first).to_be_visible()
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_whoever_may_not_read_the_list_is_told_what_it_takes(page: Page, yard: Shop, tmp_path: Path) -> None:
    with Server(tmp_path, yard.store, "--read-only") as server:
        page.goto(f"{server.url}/#/audit")
        expect(page.get_by_text("The audit list is not for everybody")).to_be_visible()
        page.goto("about:blank")
