"""Two ways to use the page, by the pointer and by keys alone, in the same words. Holds no test."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

from tests.web.browser.pressing import FOCUSED, press, tab_to, to_screen

TITLES = {
    "o": "Overview",
    "j": "Jobs",
    "q": "Queues",
    "w": "Workers",
    "s": "Schedules",
    "f": "Failures",
    "a": "Alerts",
    "u": "Audit",
}
WITHIN = 300
"""How often the Tab key is pressed at most: a page of the list has fifty rows."""

NAMED = "(one) => one.getAttribute('aria-label') ?? one.textContent.trim()"
ROW = """() => {
    const row = document.activeElement.closest("tbody tr");
    return row ? [row.textContent, row.dataset.id] : ["", ""];
}"""


class Hands(Protocol):
    """What a person does. `key` is the key that does what is called `name`, for whoever uses keys.

    `used` are the names of what was clicked, and the keys that were pressed in their stead.
    """

    page: Page
    word: str
    used: set[str]

    def go(self, letter: str) -> None: ...
    def search(self, text: str) -> None: ...
    def open(self, job_id: str) -> None: ...
    def use(self, name: str, key: str = "") -> None: ...
    def use_at(self, row: str, name: str, key: str = "") -> None: ...
    def choose(self, menu: str, item: str, row: str = "") -> None: ...
    def mark(self, ids: list[str]) -> None: ...
    def mark_page(self) -> None: ...
    def write(self, label: str, text: str) -> None: ...
    def pick(self, label: str, option: str) -> None: ...
    def take(self, option: str) -> None: ...
    def confirm(self, name: str) -> None: ...
    def summon(self) -> None: ...
    def help(self) -> None: ...
    def turn_colours(self) -> None: ...


def told(page: Page, text: str, timeout: float | None = None) -> None:
    """A notice says so. It is taken away, so that the next one is not mistaken for it."""
    notice = page.locator(".toast").filter(has_text=text)
    expect(notice.first).to_be_visible(timeout=timeout)
    notice.get_by_role("button").first.evaluate("(close) => close.click()")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def arrived(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator(".loading")).to_have_count(0)


class Pointer:
    word = "pointer"

    def __init__(self, page: Page) -> None:
        self.page = page
        self.used: set[str] = set()

    def go(self, letter: str) -> None:
        self._click(self.page.get_by_role("navigation", name="Screens").get_by_role("link", name=TITLES[letter]))
        arrived(self.page, TITLES[letter])

    def search(self, text: str) -> None:
        self.go("j")
        field = self.page.get_by_role("combobox", name="Search jobs")
        field.click()
        field.fill(text)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("heading", level=1).click()
        expect(field).to_have_value(text)

    def open(self, job_id: str) -> None:
        self.page.locator(f'tr[data-id="{job_id}"] a').first.click()
        expect(self.page.locator(".head")).to_contain_text(job_id)

    def use(self, name: str, key: str = "") -> None:
        self._click(self._named(self.page.locator("main"), name))

    def use_at(self, row: str, name: str, key: str = "") -> None:
        self._click(self._named(self.page.locator("tbody tr", has_text=row).first, name))

    def choose(self, menu: str, item: str, row: str = "") -> None:
        place = self.page.locator("tbody tr", has_text=row).first if row else self.page.locator("body")
        self._click(place.get_by_role("button", name=menu, exact=True))
        self._click(self.page.locator("[role^=menuitem]", has_text=item))

    def mark(self, ids: list[str]) -> None:
        for job_id in ids:
            self._click(self.page.locator(f'tr[data-id="{job_id}"]').get_by_role("checkbox"))

    def mark_page(self) -> None:
        self._click(self.page.get_by_role("checkbox", name="Select all on this page"))

    def write(self, label: str, text: str) -> None:
        field = self.page.get_by_label(re.compile(f"^{re.escape(label)}")).locator("visible=true").last
        field.click()
        field.fill(text)

    def pick(self, label: str, option: str) -> None:
        self.page.get_by_label(label).last.select_option(label=option)

    def take(self, option: str) -> None:
        self._click(_options(self.page, option).first)

    def confirm(self, name: str) -> None:
        self._click(dialog(self.page).get_by_role("button", name=name, exact=True))

    def summon(self) -> None:
        self._click(self.page.get_by_role("button", name="Go to, or do"))
        expect(self.page.get_by_role("combobox", name="Go to, or do")).to_be_focused()

    def help(self) -> None:
        self._click(self.page.get_by_role("button", name="Keyboard"))

    def turn_colours(self) -> None:
        self._click(self.page.get_by_role("button", name=re.compile("olours")))

    def _named(self, place: Locator, name: str) -> Locator:
        button, link = place.get_by_role("button", name=name), place.get_by_role("link", name=name, exact=True)
        field = place.get_by_role("combobox", name=name)
        return button.or_(link).or_(field).locator("visible=true").first

    def _click(self, found: Locator) -> None:
        self.used.add(str(found.evaluate(NAMED)))
        found.click()


class Keys:
    """Nothing but the keyboard, and what has the focus."""

    word = "keys"

    def __init__(self, page: Page) -> None:
        self.page = page
        self.used: set[str] = set()

    def go(self, letter: str) -> None:
        to_screen(self.page, letter, TITLES[letter])
        self.used.update(("g", letter, f"g {letter}"))

    def search(self, text: str) -> None:
        self.go("j")
        self._press("/", "Control+a", "Delete")
        self.page.keyboard.type(text)
        self._press("Enter", "Escape")
        expect(self.page.get_by_role("combobox", name="Search jobs")).to_have_value(text)

    def open(self, job_id: str) -> None:
        self._down(lambda _, at: at == job_id)
        self._press("Enter")
        expect(self.page.locator(".head")).to_contain_text(job_id)

    def use(self, name: str, key: str = "") -> None:
        if key:
            self._press(key)
        else:
            self._to(name)
            self._press("Enter")

    def use_at(self, row: str, name: str, key: str = "") -> None:
        self._to_row(row)
        self.use(name, key)

    def choose(self, menu: str, item: str, row: str = "") -> None:
        if row:
            self._to_row(row)
        self._to(menu)
        self._press("Enter")
        for _ in range(10):
            if item in self.page.evaluate(FOCUSED):
                self._press("Enter")
                return
            self._press("ArrowDown")
        raise AssertionError(f"no item of {menu!r} says {item!r}")

    def mark(self, ids: list[str]) -> None:
        """The first by itself, and all that follow up to the last one."""
        self._down(lambda _, at: at == ids[0])
        self._press("x")
        self._down(lambda _, at: at == ids[-1])
        self._press("Shift+X")

    def mark_page(self) -> None:
        expect(self.page.locator("tbody tr").first).to_be_visible()
        self._press("a")

    def write(self, label: str, text: str) -> None:
        self._to(label)
        self._press("Control+a", "Delete")
        self.page.keyboard.type(text)

    def pick(self, label: str, option: str) -> None:
        self._to(label)
        self.page.keyboard.type(option)

    def take(self, option: str) -> None:
        expect(_options(self.page, option).first).to_be_visible()
        for _ in range(20):
            chosen = self.page.locator('[role=option][aria-selected="true"]')
            if chosen.count() and option in chosen.first.inner_text():
                self._press("Enter")
                return
            self._press("ArrowDown")
        raise AssertionError(f"no option says {option!r}")

    def confirm(self, name: str) -> None:
        expect(dialog(self.page)).to_be_visible()
        self._to(name)
        self._press("Enter")

    def summon(self) -> None:
        self._press("Control+k")
        self.used.add("ctrl+k")
        expect(self.page.get_by_role("combobox", name="Go to, or do")).to_be_focused()

    def help(self) -> None:
        self._press("?")

    def turn_colours(self) -> None:
        self._press("t")

    def _press(self, *names: str) -> None:
        press(self.page, *names)
        self.used.update(name if len(name) == 1 else name.replace("Shift+X", "shift+x") for name in names)

    def _to(self, name: str) -> None:
        """By the Tab key, unless it has the focus already."""
        if name not in self.page.evaluate(FOCUSED):
            tab_to(self.page, name, WITHIN)

    def _to_row(self, text: str) -> None:
        expect(self.page.locator("tbody tr", has_text=text).first).to_be_visible()
        self._down(lambda said, _: text in said)

    def _down(self, fits: Callable[[str, str], bool]) -> None:
        """To the first row from here on that fits by what it says, or by its id."""
        expect(self.page.locator("tbody tr").first).to_be_visible()
        for _ in range(60):
            if fits(*self.page.evaluate(ROW)):
                return
            self._press("j")
        raise AssertionError("no row fits")


def _options(page: Page, begin: str) -> Locator:
    """Those that begin so: the last one of the palette offers to look for what was typed, whatever that is."""
    return page.get_by_role("option").filter(has_text=re.compile(rf"^\s*{re.escape(begin)}"))
