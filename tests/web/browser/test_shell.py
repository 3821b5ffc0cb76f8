"""What surrounds the screens: language, colours, keys, the connection, and who may do what."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from queuemgr.service.access.tokens import Tokens
from tests.web.rig import ROOT, Server

from .rig import SCREENS, Held, Shop, visit

pytestmark = pytest.mark.needs("chromium")


def test_the_language_is_switched_in_place_and_remembered(page: Page, shop: Shop) -> None:
    visit(page, shop, "jobs?q=state:dead")
    page.get_by_role("button", name="Language").click()
    page.get_by_role("menuitemradio", name="Русский").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Задания")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page).to_have_url(re.compile("state:dead"))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Задания")


def test_the_colours_follow_the_system_until_somebody_chooses(page: Page, shop: Shop) -> None:
    page.emulate_media(color_scheme="dark")
    visit(page, shop, "overview")
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(ground) != dark
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_the_help_lists_the_keys_of_the_screen(tab: Page, shop: Shop) -> None:
    visit(tab, shop, "jobs")
    expect(tab.locator("tbody tr").first).to_be_visible()
    tab.keyboard.press("?")
    dialog = tab.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_contain_text("Select up to here")
    expect(dialog).to_contain_text("Go to")
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_single_keys_can_be_switched_off(page: Page, shop: Shop) -> None:
    visit(page, shop, "overview")
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_role("checkbox", name="Single keys do something").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_every_screen_has_its_address_and_its_name_in_the_tab(tab: Page, shop: Shop) -> None:
    for screen in SCREENS:
        visit(tab, shop, screen)
        title = tab.get_by_role("heading", level=1).inner_text()
        expect(tab).to_have_title(f"{title} · queuemgr")
        expect(tab.locator(f'.nav a[href$="#/{screen}"]')).to_have_attribute("aria-current", "page")


def test_where_streams_are_cut_off_the_page_asks_instead(page: Page, shop: Shop) -> None:
    page.route("**/api/v1/events*", lambda route: route.abort())
    page.clock.install()
    visit(page, shop, "jobs?q=queue:polled")
    expect(page.get_by_text("Every 5 seconds")).to_be_visible()
    expect(page.get_by_text("No job fits")).to_be_visible()
    shop.enqueue("shop.polled", queue="polled")
    page.clock.run_for(5100)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_hidden_tab_rests_until_it_is_seen_again(page: Page, shop: Shop) -> None:
    visit(page, shop, "overview")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    turn = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with page.expect_event("requestfailed", lambda request: "/events" in request.url):
        page.evaluate(turn, True)
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.evaluate(turn, False)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_a_page_that_is_loaded_again_is_all_there(page: Page, shop: Shop) -> None:
    visit(page, shop, "jobs?q=state:dead")
    with page.expect_response(f"{shop.url}/") as kept:
        page.reload()
    assert kept.value.status in (200, 304)
    expect(page.locator("tbody tr")).to_have_count(3)
    assert page.evaluate("() => getComputedStyle(document.querySelector('.shell')).display") == "grid"


def test_a_server_that_is_gone_is_said_to_be_gone(page: Page, tmp_path: Path) -> None:
    with Server(tmp_path, f"sqlite:///{tmp_path}/gone.db") as server:
        page.goto(server.url)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.clock.install()
    page.clock.run_for(5100)
    expect(page.get_by_text("No connection to the server")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    expect(page.get_by_text("This store is empty"), "what was known stays").to_be_visible()


def test_a_store_that_fails_is_told_above_what_was_known_until_it_works_again(page: Page, shop: Shop) -> None:
    page.route("**/api/v1/events*", lambda route: route.abort())
    visit(page, shop, "overview")
    expect(page.locator(".card").first).to_be_visible()
    failing = {"status": 503, "detail": "the disk is full", "hint": "free some space", "title": "Service Unavailable"}
    page.route("**/api/v1/overview*", lambda route: route.fulfill(status=503, json=failing))
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.get_by_role("alert")).to_contain_text("the disk is full")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.unroute("**/api/v1/overview*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert").filter(has_text="the disk is full")).to_have_count(0)


def test_a_read_only_page_offers_no_changes(page: Page, shop: Shop, tmp_path: Path) -> None:
    with Server(tmp_path, shop.store, "--read-only") as server:
        page.goto(f"{server.url}/#/jobs/{shop.job('state=dead')['id']}")
        expect(page.get_by_text("Read only")).to_be_visible()
        expect(page.get_by_role("button", name="Copy as")).to_be_visible()
        expect(page.get_by_role("button", name="Retry")).to_have_count(0)
        page.goto("about:blank")


def test_a_token_opens_the_page_and_a_wrong_one_does_not(page: Page, tmp_path: Path) -> None:
    tokens = str(tmp_path / "tokens.json")
    made = subprocess.run(
        [sys.executable, "-m", "queuemgr", "token", "add", "ada", "--token-file", tokens],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    secret = re.search(r"\bqm\S{20,}|\b[\w-]{30,}", made.stdout)
    assert secret, made.stdout
    with Server(tmp_path, f"sqlite:///{tmp_path}/locked.db", "--always-token") as server:
        page.goto(server.url)
        page.get_by_label("Token").fill("guessed")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text(
            "This token is not known here: it was mistyped, has expired or was removed."
        )
        page.get_by_label("Token").fill(secret[0])
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.get_by_role("button", name="Log out ada").click()
        expect(page.get_by_label("Token")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
        page.get_by_label("Token").fill(secret[0])
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Log out ada")).to_be_visible()
        Tokens(tmp_path / "tokens.json").remove("ada")
        # By its address: the page may know it already, and have no links any more.
        page.evaluate("location.hash = '#/jobs'")
        expect(page.get_by_role("alert")).to_have_text(
            "Your token has expired or was removed. Log in with another one."
        )
        page.goto("about:blank")


def test_an_answer_that_was_overtaken_changes_nothing(page: Page, shop: Shop) -> None:
    visit(page, shop, "jobs?q=queue:overtaken")
    expect(page.get_by_text("No job fits")).to_be_visible()
    on_its_way = Held(page, "**/api/v1/jobs?*")
    page.evaluate("import('./lib/live.js').then((live) => live.refreshAll())")
    late = on_its_way.await_one()
    answer = late.fetch()
    shop.enqueue("shop.overtaken", queue="overtaken")
    expect(page.locator("tbody tr")).to_have_count(1)
    with page.expect_response("**/api/v1/jobs?*") as answered:
        late.fulfill(response=answer)
    answered.value.finished()
    # What follows from an answer is on the page with the frame after it.
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    expect(page.locator("tbody tr")).to_have_count(1)
