"""One yard for all tests of these screens. Each test makes queues, schedules and rules of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .yard import Yard


@pytest.fixture(scope="package")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with Yard(tmp_path_factory.mktemp("yard")) as yard:
        yield yard
