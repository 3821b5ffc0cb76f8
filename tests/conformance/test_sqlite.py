"""The embedded store keeps the contract of a store. What is special to it is tested in tests/store."""

from __future__ import annotations

from pathlib import Path

import pytest

from queuemgr.testing import StoreSuite


class TestSqlite(StoreSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/jobs.db"
