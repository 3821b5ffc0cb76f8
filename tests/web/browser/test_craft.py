"""Every screen is for everybody: axe finds nothing in either scheme, all fits on a phone, and it weighs little."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.rig import ROOT

from .rig import SCREENS, Shop, violations, visit

PAGE = ROOT / "queuemgr" / "service" / "web" / "page"
WEIGHT = 200_000


def texts(language: str) -> dict[str, str | dict[str, str]]:
    found: dict[str, str | dict[str, str]] = json.loads((PAGE / "locales" / f"{language}.json").read_text())
    return found


def scripts() -> list[Path]:
    return [path for path in PAGE.rglob("*.js") if "vendor" not in path.parts]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_has_nothing_against_any_screen(browser: Browser, shop: Shop, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="ru-RU" if width == 360 else "en-GB",
        bypass_csp=True,
    )
    page = context.new_page()
    jobs = [f"jobs/{shop.job(f'state={state}')['id']}" for state in ("dead", "running", "succeeded")]
    found: dict[str, list[str]] = {}
    for screen in (*SCREENS, *jobs, "jobs/none"):
        visit(page, shop, screen)
        expect(page.locator(".loading")).to_have_count(0)
        if complaints := violations(page):
            found[screen] = complaints
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, screen
    context.close()
    assert not found


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


def test_all_files_of_the_page_together_weigh_little() -> None:
    files = [path for path in PAGE.rglob("*") if path.suffix in {".js", ".css", ".html", ".json", ".svg"}]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < WEIGHT


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
