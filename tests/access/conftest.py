"""What the tests of access share: a clock, a gate with its token file, and requests as browsers send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from queuemgr.service.access.config import AccessConfig
from queuemgr.service.access.gate import Gate
from queuemgr.service.access.tokens import Tokens
from queuemgr.service.web.request import Request
from queuemgr.testing.clock import ManualClock

HERE = "127.0.0.1:5000"


def ask(method: str = "GET", path: str = "/api/v1/jobs", query: str = "", **more: Any) -> Request:
    """A request; header names are written with underscores. `host` None sends none.

    `address`, `scheme`, `version` and `body` are as given.
    """
    address, scheme = more.pop("address", "127.0.0.1"), more.pop("scheme", "http")
    body, version = more.pop("body", b""), more.pop("version", "1.1")
    headers = {"host": HERE} | {name.replace("_", "-"): value for name, value in more.items()}
    kept = {name: value for name, value in headers.items() if value is not None}
    return Request(method, path, query, kept, body, address, scheme, version=version)


@dataclass(slots=True)
class Scene:
    """One gate and what stands behind it. `open` makes a gate set up otherwise, on the same tokens."""

    tokens: Tokens
    clock: ManualClock
    settings: dict[str, Any] = field(default_factory=dict)
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        self.gate = self.open()

    def config(self, **settings: Any) -> AccessConfig:
        usual = {"token_file": self.tokens.path, "clock": self.clock} | self.settings
        return AccessConfig(**usual | settings)

    def open(self, **settings: Any) -> Gate:
        return Gate(self.config(**settings))

    def token(self, name: str = "ann", scope: str = "operate", **more: Any) -> str:
        return self.tokens.add(name, scope, **more)[1]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(tmp_path: Path, clock: ManualClock) -> Tokens:
    return Tokens(tmp_path / "state" / "tokens.json", clock.now)


@pytest.fixture
def scene(tokens: Tokens, clock: ManualClock) -> Scene:
    """A page on loopback."""
    return Scene(tokens, clock)


@pytest.fixture
def public(tokens: Tokens, clock: ManualClock) -> Scene:
    """A page that the network reaches as queue.example.com."""
    return Scene(tokens, clock, {"bound": "0.0.0.0", "hosts": ("queue.example.com",)})
