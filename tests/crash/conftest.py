"""What every crash test gets. Holds no checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .forked import Warm
from .scene import PATH, Scene


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    # For no longer: other tests count the children that they find here.
    with closing(Warm(PATH)) as warm:
        yield warm


@pytest.fixture
def scene(tmp_path: Path, store_url: str, warm: Warm) -> Iterator[Scene]:
    scene = Scene(tmp_path, store_url, warm)
    try:
        yield scene
    finally:
        scene.close()
