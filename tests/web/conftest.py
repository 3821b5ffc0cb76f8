"""What the tests of the page's server share: a store, a site over it that is asked without a network, and servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from queuemgr.service.desk import Desk
from queuemgr.service.places import Place
from queuemgr.service.web.bridge import Bridge
from queuemgr.service.web.config import WebConfig
from tests.fitting import misfits
from tests.servers.proxy import Proxy
from tests.web.cutting import slow_server
from tests.web.rig import Asked, Server


@pytest.fixture(autouse=True)
def every_answer_fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test asks of a site in this process, each answer fits the type that its operation declares."""
    wrong: list[str] = []
    ask = Desk.ask

    async def looked_at(self: Desk, name: str, *given: Any, **further: Any) -> Any:
        answer = await ask(self, name, *given, **further)
        wrong.extend(misfits(name, answer))
        return answer

    monkeypatch.setattr(Desk, "ask", looked_at)
    yield
    assert wrong == []


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db"


@pytest.fixture
def config(tmp_path: Path, url: str) -> WebConfig:
    return WebConfig(place=Place(url), token_file=str(tmp_path / "tokens.json"), proc_dir=str(tmp_path / "run"))


@pytest.fixture
def asked(config: WebConfig) -> Iterator[Asked]:
    """The site, asked from this machine."""
    bridge = Bridge(config)
    yield Asked(bridge)
    bridge.close()


@pytest.fixture
def server(url: str, tmp_path: Path) -> Iterator[Server]:
    """One in a process of its own, on a free port."""
    with Server(tmp_path, url) as server:
        yield server


@pytest.fixture
def job(asked: Asked) -> str:
    """The id of a job that waits."""
    answer = asked("POST", "/api/v1/jobs", {"task": "shop.pack", "arguments": [1]})
    job_id: str = json.loads(answer.data)["id"]
    return job_id


@pytest.fixture
def slow(tmp_path: Path, url: str) -> Iterator[Server]:
    """A server whose changes wait in their midst."""
    with slow_server(tmp_path, url) as server:
        yield server


@pytest.fixture
def proxy(slow: Server) -> Iterator[Proxy]:
    """Stands before the slow server."""
    with Proxy(int(slow.url.rpartition(":")[2])) as proxy:
        yield proxy
