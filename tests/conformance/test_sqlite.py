"""The embedded store keeps the contract of a store. What is special to it is tested in tests/store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from queuemgr.stores.sqlite.store import SqliteStore
from queuemgr.testing import StoreSuite
from tests.store.counts import count_at_once, kept_counts, true_counts


class TestSqlite(StoreSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/jobs.db"


class TestSqliteThatCountsItsNewestJobsToo(StoreSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> Iterator[str]:
        path = tmp_path / "jobs.db"
        store = SqliteStore(f"sqlite:///{path}")
        store.enqueue_now([])
        store.close_now()
        count_at_once(path)
        yield store.url
        assert kept_counts(path) == true_counts(path)
