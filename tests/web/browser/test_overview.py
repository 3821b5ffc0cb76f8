"""The overview tells how it goes, and what to do where nothing goes yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.rig import Server

from .rig import Shop, visit

pytestmark = pytest.mark.needs("chromium")


def test_the_figures_count_what_the_store_holds(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "overview")
    figures = tab.locator(".figure")
    expect(figures).to_have_count(6)
    expect(figures.filter(has_text="Running").locator(".figure-value")).to_have_text("1")
    expect(figures.filter(has_text="Workers").locator(".figure-value")).to_have_text("1")


def test_a_queue_without_workers_says_so_and_a_paused_one_too(tab: Page, shop: Shop) -> None:
    shop.ask("POST", "/api/v1/queues/pause", {"names": ["payments"]})
    visit(tab, shop, "overview")
    expect(tab.locator(".card", has_text="attic").get_by_text("no workers")).to_be_visible()
    expect(tab.locator(".card", has_text="payments").get_by_text("paused")).to_be_visible()
    shop.ask("POST", "/api/v1/queues/resume", {"names": ["payments"]})
    expect(tab.locator(".card", has_text="payments").get_by_text("paused")).to_have_count(0)


def test_what_is_held_is_counted_where_there_is_any(tab: Page, shop: Shop) -> None:
    for place, card in (
        ("overview", tab.locator(".card", has_text="mail")),
        ("queues", tab.locator('tr[data-id="mail"]')),
    ):
        visit(tab, shop, place)
        expect(card.locator('a[data-state="held"]')).to_have_text(re.compile("Held 1"))
    expect(tab.locator('tr[data-id="payments"] a[data-state="held"]')).to_have_count(0)


def test_a_figure_leads_to_its_jobs(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "overview")
    tab.locator(".figure", has_text="Running").get_by_role("link").click()
    expect(tab).to_have_url(re.compile("q=state:running"))
    expect(tab.get_by_role("row")).to_have_count(2)


def test_where_the_last_worker_died_its_jobs_are_not_told_to_run(page: Page, shop: Shop) -> None:
    facts = shop.ask("GET", "/api/v1/overview?most=8")
    for worker in facts["workers"]:
        worker["alive"] = False
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.route("**/api/v1/overview*", lambda route: route.fulfill(json=facts))
    visit(page, shop, "overview")
    expect(page.get_by_text("The last one died")).to_be_visible()
    expect(page.get_by_text("queuemgr worker MODULE:APP")).to_be_visible()


def test_a_queue_with_a_long_name_stays_in_its_card(page: Page, shop: Shop) -> None:
    facts = shop.ask("GET", "/api/v1/overview?most=8")
    facts["queues"][0]["name"] = "payments-and-" * 9
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.route("**/api/v1/overview*", lambda route: route.fulfill(json=facts))
    visit(page, shop, "overview")
    card = page.locator(".card", has_text="payments-and-")
    expect(card).to_be_visible()
    assert card.evaluate("it => it.scrollWidth - it.clientWidth") == 0


def test_an_empty_store_shows_the_way_to_the_first_job(page: Page, tmp_path: Path) -> None:
    with Server(tmp_path, f"sqlite:///{tmp_path}/empty.db") as server:
        page.goto(server.url)
        expect(page.get_by_text("This store is empty")).to_be_visible()
        expect(page.get_by_text("queuemgr demo")).to_be_visible()
        page.goto(f"{server.url}/#/jobs")
        expect(page.get_by_text("No jobs")).to_be_visible()
        page.goto("about:blank")
