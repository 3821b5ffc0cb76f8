"""These screens are for everybody: axe finds nothing in either scheme, and a phone shows all of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.browser.rig import Shop, violations, visit

pytestmark = pytest.mark.needs("chromium")
SCREENS = ("queues", "workers", "schedules", "failures", "alerts", "audit")


@pytest.fixture
def busy(yard: Shop) -> Shop:
    """With a schedule, a paused and limited queue and a silenced rule, so that everything that can be drawn is."""
    yard.enqueue("yard.waits", queue="seen")
    yard.ask("POST", "/api/v1/queues/pause", {"names": ["seen"]})
    yard.ask("PUT", "/api/v1/queues/limit", {"names": ["seen"], "running": 1})
    body = {"rule": "0 3 * * *", "zone": "UTC", "missed": "once", "task": "yard.tidy", "options": {"queue": "tidy"}}
    yard.ask("PUT", "/api/v1/schedules/seen", body)
    yard.ask("POST", "/api/v1/alerts", {"rule": "dead > 1 in seen"})
    yard.ask("POST", "/api/v1/alerts/silence", {"rule": "dead > 1 in seen", "duration": 60, "why": "seen"})
    return yard


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_axe_has_nothing_against_the_full_screens(browser: Browser, busy: Shop, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="ru-RU" if width == 360 else "en-GB",
        bypass_csp=True,
    )
    page = context.new_page()
    results = [f"jobs/{busy.job(f'task=yard.{task}')['id']}" for task in ("orders", "numbers", "picture")]
    found: dict[str, list[str]] = {}
    for screen in (*SCREENS, *results):
        visit(page, busy, screen)
        expect(page.locator(".loading")).to_have_count(0)
        if complaints := violations(page):
            found[screen] = complaints
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, screen
    context.close()
    busy.ask("POST", "/api/v1/alerts/remove", {"rule": "dead > 1 in seen"})
    assert not found


def test_axe_has_nothing_against_the_palette_and_the_forms(browser: Browser, busy: Shop) -> None:
    context = browser.new_context(locale="en-GB", bypass_csp=True)
    page = context.new_page()
    for screen, key in (("schedules", "n"), ("alerts", "n"), ("queues", "Control+k")):
        visit(page, busy, screen)
        expect(page.locator(".loading")).to_have_count(0)
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        assert not violations(page), screen
        page.keyboard.press("Escape")
    context.close()
    busy.ask("POST", "/api/v1/alerts/remove", {"rule": "dead > 1 in seen"})


def test_every_action_in_a_row_can_be_reached_by_the_tab_key(page: Page, busy: Shop) -> None:
    visit(page, busy, "queues")
    row = page.locator('tr[data-id="seen"]')
    row.get_by_role("link", name="seen", exact=True).focus()
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
            )
        )
    assert any("Resume seen" in name for name in reached)
    assert any("More for seen" in name for name in reached)
    assert any("Change the limit" in name for name in reached)
