"""Everything that can be done on the page is done among a million jobs, with a pointer and with keys alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request

from queuemgr.service.operations.table import OPERATIONS
from tests.web.browser.rig import visit

from . import of_jobs, of_queues, of_shell, of_watching
from .acting import Action
from .hands import Keys, Pointer
from .store import Million

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

ACTIONS = (*of_jobs.ACTIONS, *of_queues.ACTIONS, *of_watching.ACTIONS, *of_shell.ACTIONS)
WATCHED = """() => {
    if (window.touched === undefined) addEventListener("pointerdown", () => (window.touched += 1), true);
    window.touched = 0;
}"""


@pytest.fixture
def asked(tab: Page) -> Iterator[set[str]]:
    """The operations that the page asks for and that change something."""
    found: set[str] = set()

    def take(request: Request) -> None:
        if request.method != "GET":
            found.add(operation_of(request))

    tab.on("request", take)
    yield found
    tab.remove_listener("request", take)


def operation_of(request: Request) -> str:
    path = re.sub(r".*/api/v1", "", request.url)
    for name, operation in OPERATIONS.items():
        method, _, template = operation.route.partition(" ")
        if method == request.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            verb = (request.post_data_json or {}).get("verb", "")
            return f"{name} {verb}".strip()
    return f"{request.method} {path}"


@pytest.mark.parametrize("hand", [Pointer, Keys], ids=["pointer", "keys"])
@pytest.mark.parametrize("action", ACTIONS, ids=[action.name for action in ACTIONS])
def test_every_action_does_what_it_says(
    tab: Page, million: Million, asked: set[str], action: Action, hand: type[Pointer | Keys]
) -> None:
    visit(tab, million, "overview")
    tab.evaluate(WATCHED)
    hands = hand(tab)
    action.do(hands, million)
    million.tidy()
    assert asked == action.asks
    if hand is Keys:
        assert tab.evaluate("() => window.touched") == 0
        assert {keys.partition(" ")[2] for keys in action.keys} <= hands.used
