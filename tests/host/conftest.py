"""A service for each test that asks for one, and nothing of it left afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.rig import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Service]:
    """One that has not begun yet."""
    made = Service(tmp_path)
    yield made
    made.close()


@pytest.fixture
def service(idle: Service) -> Service:
    return idle.begin()
