"""Whoever has a token logs in with the keyboard alone, sees a million jobs, and logs out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.pressing import press, tab_to
from tests.web.rig import ROOT, Server

from .hands import Keys
from .store import Million

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]


def token(folder: Path) -> str:
    command = (sys.executable, "-m", "queuemgr", "token", "add", "ada", "--token-file", str(folder / "tokens.json"))
    told = subprocess.run(
        command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, cwd=folder
    ).stdout
    return max(told.split(), key=len)


def test_a_token_is_typed_in_and_given_back(page: Page, million: Million, tmp_path: Path) -> None:
    secret = token(tmp_path)
    with Server(tmp_path, million.store, "--always-token") as server:
        page.goto(server.url)
        expect(page.get_by_label("Token")).to_be_focused()
        page.keyboard.type("guessed")
        press(page, "Enter")
        expect(page.get_by_role("alert")).not_to_be_empty()
        page.keyboard.type(secret)  # what was wrong is selected, and so replaced
        press(page, "Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        Keys(page).search("queue:mail")
        expect(page.locator("tbody tr")).to_have_count(50)
        Keys(page).go("o")
        tab_to(page, "Log out ada")
        press(page, "Enter")
        expect(page.get_by_label("Token")).to_be_visible()
        page.goto("about:blank")
