"""A daemon for each test that asks for one, and nothing of it left afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.daemon.rig import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("QUEUEMGR_"):
            monkeypatch.delenv(name)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path)
    made.configure()
    yield made
    made.close()
