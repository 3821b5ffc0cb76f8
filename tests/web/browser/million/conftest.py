"""One great store for all tests of this folder: to fill it takes seconds, so one worker runs all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .store import Million


@pytest.fixture(scope="package")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Million]:
    with Million(tmp_path_factory.mktemp("million")) as million:
        yield million
