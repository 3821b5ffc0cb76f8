"""Every screen over a million jobs is soon there and whole: at two widths, in both schemes and both languages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from queuemgr.job import State
from tests.web.browser.rig import SCREENS, visit
from tests.web.rig import ROOT

from .store import Million

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

SHOTS = ROOT / "build" / "screenshots" / "million"
SOON = 3.0
"""Seconds in which a screen is there, on a machine that has other things to do."""

WRONG = {
    "it is wider than the window": "() => document.documentElement.scrollWidth > innerWidth",
    "a number stands over the edge": """() => [...document.querySelectorAll(".states a, .figure, .card, .queue")]
        .some((one) => one.scrollWidth > one.clientWidth + 1)""",
    "an option is broken after its dashes": """() => [...document.querySelectorAll(".whole-word")]
        .some((one) => one.getClientRects().length > 1)""",
}

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@pytest.fixture(scope="module")
def dressed(million: Million) -> Iterator[Million]:
    """With a schedule, a limited and a paused queue and a silenced rule, so that everything that can be drawn is."""
    rules = ("queue_length > 5000000 for 5m", "dead > 1000000 in mail for 5m")
    million.put(2, State.DEAD, queue="orders", error="the disk is full")
    million.ask("POST", "/api/v1/queues/pause", {"names": ["later"]})
    million.ask("PUT", "/api/v1/queues/limit", {"names": ["crawl"], "running": 3})
    for name, rule in (("nightly-report", "30 3 * * 1-5"), ("refresh", "every 10m")):
        body = {"rule": rule, "zone": "UTC", "missed": "once", "task": "shop.tidy", "options": {"queue": "later"}}
        million.ask("PUT", f"/api/v1/schedules/{name}", body)
    for rule in rules:
        million.ask("POST", "/api/v1/alerts", {"rule": rule})
    million.ask("POST", "/api/v1/alerts/silence", {"rule": rules[1], "duration": 3600, "who": "ada", "why": "we move"})
    yield million
    million.ask("POST", "/api/v1/alerts/silence", {"rule": rules[1], "duration": 0})
    for rule in rules:
        million.ask("POST", "/api/v1/alerts/remove", {"rule": rule})
    million.tidy()


def places(million: Million) -> Iterator[tuple[str, str]]:
    """Names of pictures, and where they are taken."""
    for screen in SCREENS:
        yield screen, screen
    yield "search", "jobs?q=state:dead+queue:payments"
    yield "words", "jobs?q=nowhere"
    for state in ("dead", "running", "succeeded"):
        yield f"job-{state}", f"jobs/{million.job(f'state={state}')['id']}"


def is_there(page: Page) -> None:
    expect(page.locator(".loading")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("main :is(tbody tr, .figure, .worker, .why-first, .empty)").first).to_be_visible()


@pytest.mark.parametrize("language", ["en-GB", "ru-RU"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_screen_is_soon_there_and_whole(browser: Browser, dressed: Million, width: int, language: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=language, reduced_motion="reduce")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    visit(page, dressed, "overview")
    for name, place in places(dressed):
        began = time.monotonic()
        visit(page, dressed, place)
        is_there(page)
        if (took := time.monotonic() - began) > SOON:
            wrong.append(f"{name} took {took:.1f} s")
        wrong += [f"{name}, {width} pixels: {what}" for what, found in WRONG.items() if page.evaluate(found)]
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}-{language[:2]}.png")
    context.close()
    assert not wrong
