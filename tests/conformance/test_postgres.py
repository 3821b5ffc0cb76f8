"""The store in PostgreSQL keeps the contract of a store. What is special to it is tested in tests/postgres."""

from __future__ import annotations

import pytest

from queuemgr.testing import StoreSuite


class TestPostgresStore(StoreSuite):
    @pytest.fixture
    def url(self, emptied_postgres_url: str) -> str:
        # The suite kills no server, so nothing has to be on the disk.
        return f"{emptied_postgres_url}&durability=normal"
