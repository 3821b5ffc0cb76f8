"""What every crash test gets. Holds no checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .scene import Scene


@pytest.fixture
def scene(tmp_path: Path, store_url: str) -> Iterator[Scene]:
    scene = Scene(tmp_path, store_url)
    try:
        yield scene
    finally:
        scene.close()
