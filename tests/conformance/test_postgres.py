"""The store in PostgreSQL keeps the contract of a store. What is special to it is tested in tests/postgres."""

from __future__ import annotations

import pytest

from queuemgr.testing import StoreSuite
from tests.postgres.rig import plain


class TestPostgresStore(StoreSuite):
    @pytest.fixture
    def url(self, emptied_postgres_url: str) -> str:
        # The suite kills no server, so nothing has to be on the disk.
        return f"{emptied_postgres_url}&durability=normal"

    def damage_job(self, url: str, job_id: str) -> None:
        with plain(url) as connection:
            connection.execute("UPDATE jobs SET options = '[1]' WHERE id = %s", (job_id,))

    def damage_schedule(self, url: str, name: str) -> None:
        with plain(url) as connection:
            connection.execute("""UPDATE schedules SET definition = '{"kind": "later"}' WHERE name = %s""", (name,))
