"""Alert rules are added, silenced and removed, and how they stand is seen by shape, colour and word."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.rig import Shop, visit

from .yard import settled

pytestmark = pytest.mark.needs("chromium")


def test_a_rule_is_put_together_added_silenced_and_removed(page: Page, yard: Shop) -> None:
    settled(page, yard, "alerts")
    expect(page.locator(".loading")).to_have_count(0)
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Add a rule")
    dialog.get_by_label("Figure").select_option("oldest_wait")
    dialog.get_by_label(re.compile("^Queue(?!d)")).select_option("mail")
    dialog.get_by_label("Value").fill("an hour")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("is no alert rule")
    dialog.get_by_label("Value").fill("3h")
    dialog.get_by_label("Severity").select_option("critical")
    expect(dialog).to_contain_text("oldest_wait > 3h in mail for 5m")
    page.keyboard.press("Enter")
    rule = page.locator("tbody tr").filter(has_text="oldest_wait > 3h in mail for 5m")
    expect(rule).to_contain_text("critical")
    rule.get_by_role("button", name="More for oldest_wait").click()
    page.get_by_role("menuitem", name="Silence").click()
    page.get_by_label("For how long").select_option("1 day")
    page.get_by_label("Why").fill("the shop moves")
    page.get_by_role("dialog").get_by_role("button", name="Silence").click()
    silences = page.get_by_role("region", name="Silences")
    expect(silences).to_contain_text("the shop moves")
    silences.get_by_role("button", name="End it").click()
    expect(silences).to_contain_text("Nothing is silenced")
    rule.get_by_role("button", name="More for oldest_wait").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(rule).to_have_count(0)
    assert yard.ask("GET", "/api/v1/alerts")["rules"] == []


def test_what_fires_waits_and_was_told_is_told_apart(page: Page, yard: Shop) -> None:
    def standing(state: str, **more: object) -> dict[str, object]:
        return {
            "rule": f"failure_rate > 5% for {state}",
            "queue": "mail",
            "severity": "warning",
            "state": state,
            "since": 0,
            "metric": "failure_rate",
            "value": 0.25,
            "silenced_until": None,
            **more,
        }

    told = {"at": 0, "target": "webhook example.org", "rule": "r", "queue": None, "event": "firing", "error": "refused"}
    facts = {
        "at": 0,
        "firing": 1,
        "rules": [{"rule": "failure_rate > 5% for firing", "origin": "configuration"}],
        "alerts": [standing("firing", silenced_until=9e9), standing("pending"), standing("ok")],
        "silences": [],
        "deliveries": [told],
    }
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.route("**/api/v1/alerts", lambda route: route.fulfill(json=facts))
    visit(page, yard, "alerts")
    for word in ("Firing", "Pending", "Fine"):
        expect(page.locator(".desk .state").filter(has_text=word)).to_be_visible()
    fires = page.locator("tbody tr").filter(has_text="for firing")
    expect(fires).to_contain_text("silenced")
    expect(fires).to_contain_text("25 %")
    fires.get_by_role("button", name="More for").click()
    expect(page.get_by_role("menuitem", name="Remove")).to_be_disabled()
    expect(page.get_by_role("region", name="Who was told")).to_contain_text("refused")
