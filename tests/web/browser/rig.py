"""A store with jobs in every state, a server over it, and what browser tests do again and again. Holds no test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Page, Route, expect

from tests.web.rig import ROOT, Server

HERE = Path(__file__).parent
AXE = HERE / "vendor" / "axe.min.js"
SCREENS = ("overview", "jobs", "queues", "workers", "schedules", "failures", "alerts", "audit")
PATIENCE = 15.0


class Shop:
    """Two jobs dead, three succeeded, one running for ever, and one each scheduled, held and without a worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = f"sqlite:///{folder}/jobs.db"

    def __enter__(self) -> Self:
        self.worker = subprocess.Popen(
            [sys.executable, str(HERE / "program.py"), self.store],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "worker.log").open("wb"),
        )
        self.server = Server(self.folder, self.store).__enter__()
        self.url = self.server.url
        self.await_counts()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait(PATIENCE)

    def await_counts(self) -> None:
        """Until the worker has done all that it can."""
        self._await({"dead": 3, "succeeded": 3, "running": 1})

    def _await(self, wanted: dict[str, int]) -> None:
        deadline = time.monotonic() + PATIENCE
        counts: dict[str, int] = {}
        while time.monotonic() < deadline:
            queues = self.ask("GET", "/api/v1/queues")["queues"]
            counts = {state: sum(queue["counts"][state] for queue in queues) for state in wanted}
            if counts == wanted:
                return
            time.sleep(0.05)
        raise AssertionError(f"{counts}: {(self.folder / 'worker.log').read_text()}")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.server.ask(method, path, body, X_Queuemgr="1")
        facts = json.loads(answer.data)
        assert answer.status < 300, facts
        return facts

    def enqueue(self, task: str, *arguments: Any, queue: str = "attic", **options: Any) -> str:
        """A job in a queue that no worker takes from."""
        body = {"task": task, "arguments": list(arguments), "options": {"queue": queue, **options}}
        job_id: str = self.ask("POST", "/api/v1/jobs", body)["id"]
        return job_id

    def job(self, search: str) -> Any:
        """The newest that fits."""
        return self.ask("GET", f"/api/v1/jobs?limit=1&{search}")["jobs"][0]


def visit(page: Page, shop: Shop, place: str) -> None:
    page.goto(f"{shop.url}/#/{place}")
    expect(page.locator("h1")).to_be_visible()


class Held:
    """Requests of one kind that do not come through until they are let go."""

    def __init__(self, page: Page, pattern: str) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(pattern, self._keep)

    def _keep(self, route: Route) -> None:
        self._routes.append(route)

    def await_one(self) -> Route:
        """The first; a page tells of a request later than it takes the key that brought it about."""
        deadline = time.monotonic() + PATIENCE
        while not self._routes and time.monotonic() < deadline:
            self._page.wait_for_timeout(10)
        return self._routes[0]


def violations(page: Page) -> list[str]:
    """What axe has against the page as it is."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")["violations"]
    return [f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']]}" for one in found]
