"""The embedded store hands over every column that a job has."""

from __future__ import annotations

import sqlite3

from queuemgr.stores.sqlite import schema
from queuemgr.stores.sqlite.copying import COLUMNS


def test_no_column_of_a_job_is_forgotten() -> None:
    with sqlite3.connect(":memory:") as connection:
        schema.migrate(connection)
        assert {row[1] for row in connection.execute("PRAGMA table_info(queuemgr_jobs)")} == set(COLUMNS)
    connection.close()
