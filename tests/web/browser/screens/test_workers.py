"""The workers tell what they run, and rest, go on and leave when they are asked to."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.rig import visit

from .yard import Yard

pytestmark = pytest.mark.needs("chromium")
HEEDED = 15000  # a worker looks for wishes every two seconds


def test_a_worker_tells_its_slots_what_it_runs_and_where(page: Page, yard: Yard) -> None:
    visit(page, yard, "workers")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="yard-1"))
    expect(card).to_contain_text("Running")
    expect(card.get_by_role("img", name="1 of 4 slots busy")).to_be_visible()
    expect(card).to_contain_text(f"process {yard.worker.pid}")
    expect(card).to_contain_text(re.compile(r"Memory\s*\d+(\.\d)?\s?MB"))
    expect(card.get_by_role("progressbar")).to_be_visible()
    card.get_by_role("link", name="yard.report").click()
    expect(page.get_by_role("heading", name="yard.report")).to_be_visible()


def test_a_worker_rests_goes_on_and_leaves(page: Page, yard: Yard) -> None:
    helper = yard.begin("helper.py")
    try:
        visit(page, yard, "workers")
        card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="helper-1"))
        card.get_by_role("button", name="Quiet helper-1").click()
        expect(card.get_by_text("Takes no jobs")).to_be_visible(timeout=HEEDED)
        card.get_by_role("button", name="Resume helper-1").click()
        expect(card.get_by_text("Waits for jobs")).to_be_visible(timeout=HEEDED)
        card.get_by_role("button", name="Stop helper-1").click()
        dialog = page.get_by_role("dialog", name="Stop helper-1?")
        expect(dialog).to_contain_text("It runs nothing")
        dialog.get_by_label("Seconds for its jobs to end").fill("0")
        page.keyboard.press("Enter")
        expect(card).to_have_count(0, timeout=HEEDED)
        assert helper.wait(HEEDED / 1000) == 0
    finally:
        helper.send_signal(signal.SIGKILL)


def test_a_system_without_workers_says_how_to_start_one(page: Page, yard: Yard) -> None:
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.route("**/api/v1/workers", lambda route: route.fulfill(json={"at": 0, "workers": []}))
    visit(page, yard, "workers")
    expect(page.get_by_text("No worker is running")).to_be_visible()
    expect(page.get_by_text("queuemgr worker MODULE:APP")).to_be_visible()


def test_a_worker_that_is_gone_is_listed_apart_with_its_jobs(page: Page, yard: Yard) -> None:
    worker = yard.ask("GET", "/api/v1/workers")["workers"][0]
    gone = worker | {"id": "vm:7:abc", "name": "lost-1", "alive": False, "running": 0}
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.route("**/api/v1/workers", lambda route: route.fulfill(json={"at": 0, "workers": [worker, gone]}))
    visit(page, yard, "workers")
    panel = page.get_by_role("region", name="Gone")
    expect(panel).to_contain_text("vm, process")
    panel.get_by_role("link", name="lost-1").click()
    expect(page).to_have_url(re.compile("worker:"))
