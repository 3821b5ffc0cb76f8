"""What the tests of Laravel's dialect share: a place in Redis that is theirs alone, and the application in PHP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from .application import Application
from .tables import TableApplication

pytest.register_assert_rewrite("queuemgr.testing.dialect", "queuemgr.testing.contract")


@pytest.fixture
def url(redis_url: str) -> str:
    """The URL of a store with a prefix of its own."""
    parts = urlsplit(redis_url)
    return f"laravel+redis://{parts.netloc}{parts.path}?{parts.query}_database_"


@pytest.fixture
def everything(url: str) -> Callable[[], object]:
    """Shows each key of the application with its exact bytes, but the tokens that say nothing."""
    parts = urlsplit(url)
    prefix = parse_qs(parts.query)["prefix"][0]

    def show() -> object:
        with redis.Redis(parts.hostname or "", parts.port or 0) as client:
            return {key: client.dump(key) for key in client.scan_iter(f"{prefix}*", count=10_000)}

    return show


@pytest.fixture
def peer(url: str, tmp_path: Path, needs: Callable[[str], None]) -> Application:
    needs("php")
    return Application(url, tmp_path)


@pytest.fixture
def sqlite_tables(tmp_path: Path, needs: Callable[[str], None]) -> TableApplication:
    """An application whose jobs are in a file of its own."""
    needs("php")
    file = tmp_path / "database.sqlite"
    file.touch()
    application = TableApplication(f"laravel+sqlite:///{file}", tmp_path)
    application.tell("tables")
    return application


@pytest.fixture
def mariadb_tables(
    request: pytest.FixtureRequest, mariadb_url: str, tmp_path: Path, needs: Callable[[str], None]
) -> TableApplication:
    """An application with a database that one test after the other uses, and that is empty for each."""
    needs("php")
    name = f"of_{getattr(request.config, 'workerinput', {}).get('workerid', 'alone')}"
    application = TableApplication(f"laravel+{mariadb_url}/{name}", tmp_path)
    if application.has_new_database(name):
        application.tell("tables")
    return application


@pytest.fixture
def postgres_tables(postgres_url: str, tmp_path: Path, needs: Callable[[str], None]) -> TableApplication:
    """An application whose jobs are in a schema of its own."""
    needs("php")
    parts = urlsplit(postgres_url)
    schema = parse_qs(parts.query)["schema"][0]
    url = f"laravel+postgresql://{parts.netloc}{parts.path}?schema={schema}"
    application = TableApplication(url, tmp_path)
    application.query(f"CREATE SCHEMA {schema}")
    application.tell("tables")
    return application
