"""The embedded store keeps the contract of a store. What is special to it is tested in tests/store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from queuemgr.stores.sqlite.store import SqliteStore
from queuemgr.testing import StoreSuite
from tests.store.counts import count_at_once, kept_counts, true_counts


class TestSqlite(StoreSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/jobs.db"

    def damage_job(self, url: str, job_id: str) -> None:
        self._change(url, "UPDATE queuemgr_jobs SET options = 'no JSON' WHERE id = ?", job_id)

    def damage_schedule(self, url: str, name: str) -> None:
        self._change(url, "UPDATE queuemgr_schedules SET definition = 'no JSON' WHERE name = ?", name)

    def _change(self, url: str, statement: str, value: str) -> None:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
            file.execute(statement, (value,))


class TestSqliteThatCountsItsNewestJobsToo(TestSqlite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> Iterator[str]:
        path = tmp_path / "jobs.db"
        store = SqliteStore(f"sqlite:///{path}")
        store.enqueue_now([])
        store.close_now()
        count_at_once(path)
        yield store.url
        assert kept_counts(path) == true_counts(path)
