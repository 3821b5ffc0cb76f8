"""The store that the tests of these screens look at, with its worker and its server. Holds no test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

from playwright.sync_api import Page, expect

from tests.web.browser.rig import Shop, visit
from tests.web.rig import ROOT, Server

HERE = Path(__file__).parent
FILLED = {"dead": 6, "succeeded": 6, "running": 1}


def settled(page: Page, yard: Shop, place: str) -> None:
    """Goes there, and waits until it is alive: then its keys work, too."""
    visit(page, yard, place)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


class Yard(Shop):
    """Four jobs dead of one cause and two of another, results of every kind, and a report that runs for ever."""

    def __enter__(self) -> Self:
        self.worker = self.begin("program.py")
        self.server = Server(self.folder, self.store).__enter__()
        self.url = self.server.url
        self._await(FILLED)
        return self

    def begin(self, program: str) -> subprocess.Popen[bytes]:
        """Another process of this store."""
        return subprocess.Popen(
            [sys.executable, str(HERE / program), self.store],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "worker.log").open("ab"),
        )
