"""Every screen is for everybody: axe finds nothing in either scheme, all fits on a phone, and it weighs little."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.rig import Server

from .modules import INDEX, PAGE, begun_with, fetched_later, linked
from .rig import SCREENS, Shop, violations, visit

WEIGHT = 150_000
FURTHER = 15
"""Requests of the first screen beside its modules: two scripts, the page, its styles and texts, and five for facts."""


def texts(language: str) -> dict[str, str | dict[str, str]]:
    found: dict[str, str | dict[str, str]] = json.loads((PAGE / "locales" / f"{language}.json").read_text())
    return found


def scripts() -> list[Path]:
    return [path for path in PAGE.rglob("*.js") if "vendor" not in path.parts]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(("scheme", "language", "width"), [("light", "en-GB", 1280), ("dark", "ru-RU", 360)])
def test_axe_has_nothing_against_any_screen(
    browser: Browser, shop: Shop, scheme: Literal["light", "dark"], language: str, width: int
) -> None:
    context = browser.new_context(color_scheme=scheme, locale=language, bypass_csp=True)
    page = context.new_page()
    jobs = [f"jobs/{shop.job(f'state={state}')['id']}" for state in ("dead", "running", "succeeded")]
    found: dict[str, list[str]] = {}
    for screen in (*SCREENS, *jobs, "jobs/none"):
        page.set_viewport_size({"width": width, "height": 900})
        visit(page, shop, screen)
        expect(page.locator(".loading")).to_have_count(0)
        found[screen] = violations(page)
        for narrower in {width, 360}:
            page.set_viewport_size({"width": narrower, "height": 900})
            if page.evaluate("() => document.documentElement.scrollWidth") > narrower:
                found[screen].append(f"it is wider than {narrower} pixels")
    context.close()
    assert not {screen: wrong for screen, wrong in found.items() if wrong}


@pytest.mark.needs("chromium")
def test_axe_has_nothing_against_dialogs_menus_and_the_login(browser: Browser, shop: Shop) -> None:
    context = browser.new_context(locale="en-GB", bypass_csp=True)
    page = context.new_page()
    visit(page, shop, "jobs")
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not violations(page)
    page.keyboard.press("Escape")
    page.get_by_role("combobox").focus()
    expect(page.get_by_role("option").first).to_be_visible()
    assert not violations(page)
    page.route("**/api/v1/me", lambda route: route.fulfill(status=401, json={"detail": "log in", "status": 401}))
    page.reload()
    expect(page.get_by_label("Token")).to_be_visible()
    assert not violations(page)
    context.close()


@pytest.mark.needs("chromium")
def test_whoever_wants_less_motion_gets_none(page: Page, shop: Shop) -> None:
    page.emulate_media(reduced_motion="reduce")
    visit(page, shop, "overview")
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
        const style = getComputedStyle(one);
        const lasting = style.transitionDuration.split(",").some((text) => parseFloat(text) > 0);
        return style.animationName !== "none" || lasting;
    }).length"""
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("other", ["en", "ru"])
def test_all_that_a_visitor_loads_weighs_little(other: str) -> None:
    files = [path for path in PAGE.rglob("*") if path.suffix in {".js", ".css", ".html", ".json", ".svg"}]
    loaded = [path for path in files if path.name != f"{other}.json"]
    assert sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in loaded) < WEIGHT


def test_the_browser_asks_for_all_modules_of_the_first_screen_at_once() -> None:
    assert INDEX.read_text() == linked(), "python -m tests.web.browser.modules writes them down anew"
    every = {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*.js")}
    assert every == {"early.js", "main.js", *begun_with()} | fetched_later()
    assert len(begun_with()) < len(every) / 2


@pytest.mark.needs("chromium")
def test_the_first_job_is_seen_after_few_requests_and_nothing_is_asked_for_twice(page: Page, shop: Shop) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(shop.url)))
    page.goto(shop.url)
    expect(page.locator(".few li").first).to_be_visible()
    asked = [url for url in asked if url != "/icon.svg"]  # for the tab and for the page: the browser's own affair
    begun = {f"/{name}" for name in begun_with()}
    assert len(asked) <= len(begun) + FURTHER
    assert sorted(asked) == sorted(set(asked))
    assert not {url for url in asked if url.endswith(".js")} - begun - {"/main.js", "/early.js"}
    ahead = re.findall(r'rel="preload" href="([^"]+)"', INDEX.read_text())
    assert {f"/{name}" for name in ahead} <= set(asked)


@pytest.mark.needs("chromium")
def test_the_other_screens_are_there_even_if_the_server_goes(page: Page, tmp_path: Path) -> None:
    with Server(tmp_path, f"sqlite:///{tmp_path}/left.db") as server:
        with page.expect_response("**/screens/audit/columns.js"):
            page.goto(server.url)
        expect(page.get_by_text("This store is empty")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text("Schedules")


@pytest.mark.needs("chromium")
def test_a_screen_that_cannot_be_fetched_says_so_and_can_be_tried_again(page: Page, shop: Shop) -> None:
    page.route("**/screens/queues/queues.js", lambda route: route.abort())
    page.goto(f"{shop.url}/#/queues")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    page.unroute("**/screens/queues/queues.js")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Queues")


def test_both_languages_say_the_same_things() -> None:
    english, russian = texts("en"), texts("ru")
    extra = {key for key in russian if key not in english}
    assert english.keys() <= russian.keys()
    assert all(key.startswith("why.") for key in extra), "the server says those in English itself"
    for key, text in english.items():
        wanted = set(re.findall(r"\{(\w+)\}", json.dumps(text)))
        assert set(re.findall(r"\{(\w+)\}", json.dumps(russian[key], ensure_ascii=False))) <= wanted, key


def test_every_text_that_is_asked_for_exists() -> None:
    english = texts("en")
    asked = {(path.name, key) for path in scripts() for key in re.findall(r'\bt\("([^"]+)"', path.read_text())}
    assert asked
    assert not [(name, key) for name, key in asked if key not in english and name != "i18n.js"]


def test_the_page_is_small_modules_without_inline_styles_or_evaluation() -> None:
    for path in scripts():
        text = path.read_text()
        assert len(text.splitlines()) < 400, path
        assert not re.search(r'style="|style=\$\{|\beval\(|new Function|innerHTML|dangerouslySetInnerHTML', text), path
        assert text.startswith(("/**", "// ")), f"{path} does not say what it is for"


def test_the_operations_that_the_page_asks_for_are_in_the_table() -> None:
    from queuemgr.service.operations.table import OPERATIONS

    written = (PAGE / "lib" / "operations.js").read_text()
    routes = dict(re.findall(r'"?([\w.]+)"?: "((?:GET|POST|PUT|DELETE) [^"]+)"', written))
    assert routes
    wrong = {name for name, route in routes.items() if OPERATIONS[name].route != route.replace(" ", " /")}
    assert not wrong
