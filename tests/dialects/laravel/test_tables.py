"""Laravel's database driver keeps the contract of a dialect on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from queuemgr.dialects.laravel.encryption import Encrypter
from queuemgr.dialects.laravel.format import TABLE_ABILITIES, Laravel
from queuemgr.testing.dialect.life import LifeCases
from queuemgr.testing.dialect.live import PeerCases
from queuemgr.testing.dialect.promises import PromiseCases

from .application import APP_KEY
from .tables import TableApplication


class TableCases(PromiseCases, LifeCases, PeerCases):
    task = "App\\Jobs\\Greet"

    @pytest.fixture
    def url(self, tables: TableApplication) -> str:
        return tables.url

    @pytest.fixture
    def peer(self, tables: TableApplication) -> TableApplication:
        return tables

    @pytest.fixture
    def dialect(self) -> Laravel:
        return Laravel(encrypter=Encrypter([APP_KEY]), table=True, abilities=TABLE_ABILITIES)

    @pytest.fixture
    def everything(self, tables: TableApplication) -> Callable[[], object]:
        def show() -> object:
            return [tables.query(f"SELECT * FROM {name} ORDER BY id") for name in ("jobs", "failed_jobs")]

        return show


class TestSqlite(TableCases):
    @pytest.fixture
    def tables(self, sqlite_tables: TableApplication) -> TableApplication:
        return sqlite_tables


class TestPostgresql(TableCases):
    @pytest.fixture
    def tables(self, postgres_tables: TableApplication) -> TableApplication:
        return postgres_tables


class TestMariadb(TableCases):
    @pytest.fixture
    def tables(self, mariadb_tables: TableApplication) -> TableApplication:
        return mariadb_tables
