"""Within another application, below a prefix, the page is as whole as alone: its modules, its data and its stream."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.rig import Server
from tests.web.test_asgi import DJANGO, STARLETTE, served

pytestmark = pytest.mark.needs("chromium")


def walk_through(page: Page, server: Server, prefix: str) -> None:
    made = server.ask("POST", f"{prefix}/api/v1/jobs", {"task": "shop.pack", "arguments": [1]}).json["id"]
    page.goto(f"{server.url}{prefix}/#/jobs")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.locator("tbody tr a").first.click()
    expect(page.locator(".why-first")).to_be_visible()
    assert page.url == f"{server.url}{prefix}/#/jobs/{made}"
    page.get_by_role("button", name="Hold").click()
    expect(page.locator(".head .state")).to_have_text("Held")
    page.reload()
    expect(page.locator(".head .state")).to_have_text("Held")
    page.goto("about:blank")


def test_mounted_in_starlette_it_is_lived_with_as_alone(page: Page, tmp_path: Path) -> None:
    with served(tmp_path, f"sqlite:///{tmp_path}/jobs.db", STARLETTE) as server:
        walk_through(page, server, "/ops/queue")


def test_included_in_django_it_is_lived_with_as_alone(page: Page, tmp_path: Path) -> None:
    with served(tmp_path, f"sqlite:///{tmp_path}/jobs.db", DJANGO, asynchronous=False) as server:
        walk_through(page, server, "/ops")
