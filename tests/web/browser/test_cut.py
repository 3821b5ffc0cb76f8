"""Changes of many jobs at the page, behind a proxy that does not wait for their answer. All else passes it."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from queuemgr.job import State
from tests.servers.proxy import Proxy
from tests.web.cutting import MANY, number
from tests.web.rig import Server

from .million.hands import Pointer, dialog, told

pytestmark = pytest.mark.needs("chromium")


def hold_all(page: Page) -> None:
    hands = Pointer(page)
    hands.search("queue:q")
    hands.mark_page()
    hands.use("Select all that match")
    expect(page.get_by_text("All that match are selected")).to_be_visible()
    hands.use("Hold")
    expect(dialog(page)).to_contain_text(f"Will hold {MANY:,} jobs")
    hands.confirm("Hold")


def begin(page: Page, proxy: Proxy) -> Locator:
    """All jobs are to be held; the notice that tells how far that is."""
    page.goto(f"http://127.0.0.1:{proxy.port}/")
    hold_all(page)
    notice = page.locator('.toast[data-kind="busy"]')
    expect(notice).to_contain_text(f"Holding {MANY:,} jobs…")
    return notice


def cut_until_the_page_asks(page: Page, proxy: Proxy) -> None:
    """A browser itself sends a request again that is cut on a line which it has used before."""
    asked = Event()
    page.on("response", lambda answer: asked.set() if "/changes/" in answer.url else None)
    for _ in range(20):
        if asked.is_set():
            return
        proxy.cut()
        page.wait_for_timeout(500)
    raise AssertionError("the page never asks how the change ended")


def changes(server: Server) -> list[object]:
    return [one["outcome"].get("changed") for one in server.ask("GET", "/api/v1/audit").json["entries"]]


@pytest.mark.parametrize("way", ["says 504", "cuts the line"])
def test_a_change_is_told_to_its_end_though_its_answer_never_comes(
    page: Page, slow: Server, proxy: Proxy, tmp_path: Path, url: str, way: str
) -> None:
    if way == "says 504":
        proxy.patience = 1.0
        with page.expect_response(lambda answer: answer.status == 504):
            notice = begin(page, proxy)
    else:
        notice = begin(page, proxy)
        cut_until_the_page_asks(page, proxy)
    expect(notice).to_contain_text(re.compile(r"\d+ %"))
    (tmp_path / "go").touch()
    told(page, f"{MANY:,} jobs held")
    expect(notice).to_have_count(0)
    assert number(url, State.HELD) == MANY
    assert changes(slow) == [MANY]


def test_an_answer_that_breaks_off_is_asked_for_by_its_key(
    page: Page, slow: Server, proxy: Proxy, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()

    def break_off(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(status=200, content_type="application/json", body=answer.text()[:10])

    page.route("**/change-matching", break_off)
    page.goto(f"http://127.0.0.1:{proxy.port}/")
    hold_all(page)
    told(page, f"{MANY:,} jobs held")
    assert changes(slow) == [MANY]


def test_a_queue_is_drained_and_told_so_though_the_answer_never_comes(
    page: Page, slow: Server, proxy: Proxy, tmp_path: Path, url: str
) -> None:
    proxy.patience = 1.0
    page.goto(f"http://127.0.0.1:{proxy.port}/")
    hands = Pointer(page)
    hands.go("q")
    with page.expect_response(lambda answer: answer.status == 504):
        hands.choose("More for q", "Drain", row="q")
        hands.confirm("Delete")
    (tmp_path / "go").touch()
    told(page, f"{MANY:,} jobs deleted")
    assert number(url, State.READY) == 0
    assert changes(slow) == [MANY]


def test_the_page_tells_what_is_left_where_the_server_stops(page: Page, slow: Server, proxy: Proxy, url: str) -> None:
    proxy.patience = 1.0
    with page.expect_response(lambda answer: answer.status == 504):
        notice = begin(page, proxy)
    expect(notice).to_contain_text(re.compile(r"\d+ %"))
    slow.process.send_signal(signal.SIGTERM)
    slow.process.wait(20)
    left = number(url, State.READY)
    assert 0 < left < MANY
    with Server(slow.folder, url) as later:
        proxy.to = int(later.url.rpartition(":")[2])
        told(page, f"what is changed stays changed, jobs left: {left:,}", 15_000)
        expect(notice).to_have_count(0)


def test_what_has_never_come_to_the_server_is_not_begun_later(
    page: Page, slow: Server, proxy: Proxy, tmp_path: Path, url: str
) -> None:
    page.route("**/change-matching", lambda route: route.abort())
    (tmp_path / "go").touch()
    page.goto(f"http://127.0.0.1:{proxy.port}/")
    hold_all(page)
    told(page, "The server does not answer")
    page.wait_for_timeout(1500)
    assert number(url, State.HELD) == 0
    assert changes(slow) == []
