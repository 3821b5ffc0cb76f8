"""One store with a schema of its own for each test of the PostgreSQL store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from queuemgr.stores.postgres.store import PostgresStore


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresStore]:
    store = PostgresStore(postgres_url)
    yield store
    asyncio.run(store.close())
