"""What the tests of the command line share: an empty folder with an app in it, and two ways to call `queuemgr`."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from queuemgr.app import App, load
from queuemgr.capture import Capture
from queuemgr.liveness import birth_of, this_host
from queuemgr.store import Claim, Report, WorkerInfo

ROOT = Path(__file__).parents[2]
VARIABLES = (
    *("QUEUEMGR_STORE", "QUEUEMGR_APP", "QUEUEMGR_DEBUG", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM"),
    *("LC_ALL", "LANG", "PYTHONIOENCODING", "PYTHONUTF8", "TTY_COMPATIBLE"),
)
SHOP = '''
from __future__ import annotations
import logging
from dataclasses import dataclass
from datetime import date
from queuemgr import App, current_job

app = App("sqlite:///{database}", format="{format}")

@dataclass
class Parcel:
    weight: float

@app.task
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b

@app.task(queue="mail", attempts=1)
def send_mail(to: str, subject: str = "Hello") -> str:
    print(f"to {{to}}:", subject)
    logging.getLogger("shop").warning("sent")
    if "@" not in to:
        raise ValueError(f"{{to!r}} is no address")
    return f"{{subject}}, {{to}}"

@app.task
def age(born: date | None = None) -> str:
    return repr(born)

@app.task
def ship(parcel: Parcel) -> Parcel:
    return parcel

@app.task(attempts=2, backoff="fixed")
def fragile() -> None:
    current_job().progress(40, "nearly")
    raise RuntimeError("it broke")
'''
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own, with nothing of the caller's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@dataclass(slots=True)
class Shop:
    """An app in a module of its own, as a user would have it."""

    module: str
    app: App

    @property
    def path(self) -> str:
        return f"{self.module}:app"

    @property
    def url(self) -> str:
        return self.app.url

    def task(self, name: str) -> Any:
        return self.app.tasks[f"{self.module}.{name}"]

    def work(self) -> None:
        """Run all that is ready."""

        async def run() -> None:
            await self.app.worker(burst=True, queues={"default": 1, "mail": 1, "odd": 1}).run()
            await self.app.aio.store.close()

        with Capture():
            asyncio.run(run())

    def die(self) -> str:
        """A job that is dead; its id."""
        handle = self.task("send_mail").enqueue("nobody")
        self.work()
        return str(handle.id)


@pytest.fixture
def make_shop(tmp_path: Path) -> Any:
    made: list[Shop] = []

    def make(database: str = "shop.db", format: str = "json") -> Shop:  # noqa: A002 - the app's own word
        # Modules stay imported for as long as the process lives, so each test's has a name of its own.
        module = f"shop_{os.getpid()}_{next(_numbers)}"
        (tmp_path / f"{module}.py").write_text(SHOP.format(database=database, format=format))
        made.append(Shop(module, load(f"{module}:app")))
        return made[-1]

    yield make
    for shop in made:
        shop.app.close()


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


@pytest.fixture
def join(shop: Shop) -> Callable[..., None]:
    """Lets this process pass for a worker."""

    def join(worker: str = "w1", **facts: Any) -> None:
        now = shop.app.client.clock.now()
        pid = os.getpid()
        info = {"host": this_host(), "pid": pid, "birth": birth_of(pid) or 0, "started_at": now, "beat_at": now}
        client = shop.app.client
        client.run(client.aio.store.join(WorkerInfo(id=worker, **{"concurrency": 4, **info, **facts})), "join")

    return join


@pytest.fixture
def claim(shop: Shop) -> Callable[..., None]:
    """Lets a worker that has joined take whatever is ready, and report on it."""

    def claim(worker: str, **said: Any) -> None:
        client = shop.app.client
        queues = [("default", 9), ("mail", 9)]
        wish = Claim(worker=worker, queues=queues, limit=9, tasks=shop.app.tasks.names)
        claimed = client.run(client.aio.store.claim(wish), "claim")
        if said:
            reports = [Report(lease, **said) for lease in claimed.leases]
            client.run(client.aio.store.report(reports), "report")

    return claim


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the command take its output for a terminal of 100 columns, and its input for a person."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("queuemgr.service.cli.session.somebody_can_answer", lambda: True)


def call(*words: str, input: str | None = None) -> Result:  # noqa: A002 - click's word
    """`queuemgr` in this process."""
    from queuemgr.service.cli.main import main

    return CliRunner().invoke(main, list(words), input=input)


def ask(*words: str, code: int = 0) -> Any:
    """The JSON document that it answers with."""
    result = call(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def run(*words: str, environment: dict[str, str] | None = None, **settings: Any) -> subprocess.CompletedProcess[str]:
    """`python -m queuemgr` in a process of its own."""
    settings = {"capture_output": True, "text": True, "timeout": 60} | settings
    command = [sys.executable, "-m", "queuemgr", *words]
    return subprocess.run(command, env=environ(environment), check=False, **settings)


def start(*words: str) -> subprocess.Popen[str]:
    """The same, running beside the test, its output and errors in pipes."""
    command = [sys.executable, "-m", "queuemgr", *words]
    return subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def environ(more: dict[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
