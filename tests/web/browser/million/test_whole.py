"""Hundreds of thousands of jobs are changed at once. It is told before and meanwhile, and nobody else waits for it."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from queuemgr.job import Job, State, new_id
from queuemgr.stores.sqlite.store import SqliteStore

from .hands import Hands, Keys, Pointer, dialog, told
from .store import Million
from .test_looking import SHOTS

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

EXPORTS = 300_000
PREVIEWED = 3.0
WAITED = 2.0
"""Seconds that somebody else may wait for the file meanwhile, on a machine that has other things to do."""

ENDS = 100_000.0
"""Milliseconds."""


def begin(hands: Hands, search: str, verb: str, number: int) -> None:
    """All that match are chosen, their number is seen, and it is agreed to."""
    hands.search(search)
    hands.mark_page()
    hands.use("Select all that match", "a")
    expect(hands.page.get_by_text("All that match are selected")).to_be_visible()
    began = time.monotonic()
    hands.use(verb.capitalize(), verb[0])
    expect(dialog(hands.page)).to_contain_text(f"Will {verb} {number:,} jobs")
    assert time.monotonic() - began < PREVIEWED
    hands.confirm(verb.capitalize())


def longest_wait(page: Page, million: Million) -> float:
    """Seconds that one of the jobs waited which another program has enqueued until the notice was gone."""
    store, longest = SqliteStore(million.store), 0.0
    while page.locator('.toast[data-kind="busy"]').count():
        began = time.monotonic()
        store.enqueue_now([Job(id=new_id(), task="shop.other", args=b"[[1]]", queue="other", created_at=time.time())])
        longest = max(longest, time.monotonic() - began)
        page.wait_for_timeout(50)
    store.close_now()
    return longest


def apart(page: Page, one: str, other: str) -> bool:
    """Whether neither covers the other."""
    first, second = page.locator(one).bounding_box(), page.locator(other).first.bounding_box()
    assert first
    assert second
    return first["y"] + first["height"] <= second["y"] or second["y"] + second["height"] <= first["y"]


def agree(million: Million, queue: str, state: State, number: int) -> None:
    """The rows, and what has been counted."""
    assert million.number(queue, state) == number
    assert million.queue(queue)["counts"][state.word] == number


def test_300_000_jobs_are_held_while_everybody_goes_on(page: Page, million: Million) -> None:
    page.goto(million.url)
    begin(Pointer(page), "queue:exports state:ready", "hold", EXPORTS)
    notice = page.locator('.toast[data-kind="busy"]')
    expect(notice).to_contain_text("Holding 300,000 jobs…")
    expect(notice).to_contain_text("It goes on even if you leave this page")
    expect(notice.get_by_role("progressbar")).to_be_visible()
    expect(notice).to_contain_text(re.compile(r"\d+ %"))
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=SHOTS / f"bulk-{width}-light-en.png")
        assert apart(page, ".chosen-bar", ".toast")
    page.set_viewport_size({"width": 1280, "height": 900})
    Pointer(page).go("q")
    assert longest_wait(page, million) < WAITED
    told(page, "300,000 jobs held", ENDS)
    agree(million, "exports", State.HELD, EXPORTS)
    agree(million, "exports", State.READY, 0)
    entry = million.ask("GET", "/api/v1/audit?limit=1")["entries"][0]
    assert (entry["operation"], entry["outcome"]["changed"]) == ("jobs.change_matching", EXPORTS)


def test_a_great_change_goes_on_where_the_page_is_closed(page: Page, million: Million) -> None:
    before = million.number("mail", State.DEAD)
    page.goto(million.url)
    with page.expect_request("**/change-matching"):
        begin(Keys(page), "queue:payments state:dead", "retry", 20_000)
    page.goto("about:blank")
    million.await_(lambda: million.number("payments", State.DEAD) == 0)
    agree(million, "payments", State.READY, 20_000)
    assert million.number("mail", State.DEAD) == before


def test_a_queue_of_200_000_is_drained_with_a_key(page: Page, million: Million) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.goto(million.url)
    hands = Keys(page)
    hands.go("q")
    hands.use_at("imports", "", "d")
    expect(dialog(page)).to_contain_text("Will delete 200,000 jobs")
    hands.confirm("Delete")
    expect(page.locator('.toast[data-kind="busy"]')).to_contain_text("Deleting 200,000 jobs…")
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.screenshot(path=SHOTS / "bulk-390-dark-en.png")
    told(page, "200,000 jobs deleted", ENDS)
    agree(million, "imports", State.READY, 0)
    agree(million, "imports", State.CANCELLED, 10_000)
