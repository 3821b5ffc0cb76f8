"""The list of actions (acting.py) knows all that the page offers: whoever adds an action to the page adds it there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import pytest
from playwright.sync_api import Page, expect

from queuemgr.job import State
from queuemgr.service.operations.table import OPERATIONS
from tests.web.browser.modules import PAGE
from tests.web.browser.rig import SCREENS, visit

from .hands import Pointer
from .store import Million
from .test_using import ACTIONS

ENGLISH: dict[str, str | dict[str, str]] = json.loads((PAGE / "locales" / "en.json").read_text())
CHANGED_BY_VERB = ("jobs.change", "jobs.change_matching")

LOOKED_AT = {
    *("close", "copy", "menu", "skip", "dismiss"),
    *("queues.more", "schedules.more", "jobs.waiting", "job.copy_id"),
}
"""What changes nothing and leads nowhere else. Results and what jobs said are paged through in other tests."""

WALKED = {"list j", "list k"}
CODE = ("Python", "CLI", "curl", "English", "Русский")


def scripts() -> Iterator[str]:
    return (path.read_text() for path in PAGE.rglob("*.js") if "vendor" not in path.parts)


def test_every_operation_that_the_page_asks_for_belongs_to_an_action() -> None:
    asked = {name for text in scripts() for name in re.findall(r'\b(?:ask|askOnce|act)\("([\w.]+)"', text)}
    [verbs] = re.findall(r"export const AFFECTED = \{(.*?)\n\};", (PAGE / "lib" / "states.js").read_text(), re.DOTALL)
    known = {f"{name} {verb}" for name in CHANGED_BY_VERB for verb in re.findall(r"^  (\w+):", verbs, re.MULTILINE)}
    changing = {name for name in asked if not OPERATIONS[name].route.startswith("GET ")} - {*CHANGED_BY_VERB}
    assert changing | known == set[str]().union(*(action.asks for action in ACTIONS))


def test_what_is_no_operation_is_tried_by_hand() -> None:
    talked = {path for text in scripts() for path in re.findall(r'\btalk\("POST", "([\w/]+)"', text)}
    assert talked == {"login", "logout"}, "test_entering.py logs in and out"


def test_every_entry_of_the_palette_belongs_to_an_action() -> None:
    text = (PAGE / "shell" / "palette" / "entries.js").read_text()
    entries = set(re.findall(r'(?:entry\(|[?:] )"([a-z_.]+)"', text)) & ENGLISH.keys()
    assert entries >= {"palette.queue.drain", "palette.job", "schedules.add"}
    assert entries <= {key for action in ACTIONS for key in action.palette}


@pytest.mark.slow
@pytest.mark.needs("chromium")
def test_every_key_and_every_button_belongs_to_an_action(tab: Page, million: Million) -> None:
    keys, names = set[str](), set[str]()
    for place in places(million):
        visit(tab, million, place)
        expect(tab.locator(".loading")).to_have_count(0)
        if place.startswith("jobs?"):
            Pointer(tab).mark_page()
        keys |= set(tab.evaluate(OFFERED))
        names |= set(names_on(tab))
    million.tidy()
    assert {"queues p", "job e", "jobs a"} <= keys
    assert keys - {key for action in ACTIONS for key in action.keys} <= WALKED
    known = LOOKED_AT | {key for action in ACTIONS for key in action.offers}
    assert "Hold" in names
    assert not [name for name in names if not is_one_of(known, name)]


OFFERED = """async () => {
    const { shortcuts } = await import("./lib/keys.js");
    return shortcuts.value.filter((one) => one.run).map((one) => `${one.group} ${one.keys}`);
}"""
BUTTONS = """(all) => all.filter((one) => one.checkVisibility())
    .map((one) => one.getAttribute("aria-label") ?? one.textContent.trim())"""


def places(million: Million) -> Iterator[str]:
    yield from SCREENS
    for state in (State.READY, State.HELD, State.DEAD, State.SUCCEEDED):
        queue = f"offered-{state.word}"
        million.put(51, state, queue=queue)
        yield f"jobs?q=queue:{queue}"
        yield f"jobs/{million.job(f'queue={queue}')['id']}"
    yield f"jobs/{million.running()[0]}"


def names_on(page: Page) -> Iterator[str]:
    """Of all buttons, and of what the first menu of each kind holds."""
    told = page.locator("button, [role=button]").evaluate_all(BUTTONS)
    yield from (re.sub(r"^\d+( of \d+)?, ", "", name) for name in told)  # a button with a number says that first
    menus = page.locator("[aria-haspopup=menu]").locator("visible=true")
    for index in {0, menus.count() - 1} if menus.count() else ():
        menus.nth(index).click()
        yield from page.locator("[role^=menuitem]").evaluate_all(BUTTONS)
        page.keyboard.press("Escape")


def is_one_of(keys: Iterable[str], name: str) -> bool:
    if name in CODE or name.isdigit():
        return True
    texts = (form for key in keys for form in forms_of(ENGLISH[key]))
    return any(re.fullmatch(re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)), name) for text in texts)


def forms_of(text: str | dict[str, str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())
