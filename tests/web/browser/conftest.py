"""One browser for all tests of the page, and a fresh window for each. What a page complains about fails its test."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.servers.programs import needed

from .rig import Shop

EXPECTED = "Failed to load resource"  # a test that provokes a refusal looks at what the page says of it

expect.set_options(timeout=8000)


# Not for the whole session: as long as it lives, nothing else in this thread can run an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needed("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """As for every test, but only of what a test starts itself: the browser makes its processes as it likes."""
    before = set(psutil.Process().children())
    yield
    left = [child for child in psutil.Process().children() if child not in before]
    assert not left, f"the test left behind {left}: stop them and wait for them"


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    context = _opened(browser)
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    """A page that nobody has used: for whatever changes settings, cuts lines or sets the clock."""
    page, complaints = _listened_to(window)
    yield page
    page.unroute_all(behavior="ignoreErrors")
    assert not complaints


@pytest.fixture(scope="module")
def _kept(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    context = _opened(browser)
    yield _listened_to(context)
    context.close()


@pytest.fixture
def tab(_kept: tuple[Page, list[str]]) -> Iterator[Page]:
    """One page for all tests of a module, as people leave it open: it is loaded once and goes from place to place."""
    tab, complaints = _kept
    yield tab
    found = complaints.copy()
    complaints.clear()
    tab.evaluate("""() => {
        document.querySelectorAll(".toast button").forEach((button) => button.click());
        document.querySelectorAll("dialog").forEach((dialog) => dialog.requestClose());
    }""")
    assert not found


def _opened(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="Europe/Berlin")


def _listened_to(context: BrowserContext) -> tuple[Page, list[str]]:
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
    return page, complaints


def _is_complaint(message: ConsoleMessage) -> bool:
    return message.type in ("error", "warning") and EXPECTED not in message.text
