"""A PostgreSQL store that one test after the other uses. It is not for two at once."""

from __future__ import annotations

import psycopg

DATABASE = "SELECT FROM pg_database WHERE datname = %s"
# A client that was killed may have left a server process that still carries out its last statement.
DISCONNECT = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = %s"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'queuemgr' AND tablename <> 'meta'"


def emptied(server: str, name: str) -> str:
    """The address of the database of this name, where no job is and nobody connected. The first one makes it."""
    address = server.rpartition("/")[0]
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        if connection.execute(DATABASE, (name,)).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"')
            return f"{address}/{name}?schema=queuemgr"
        connection.execute(DISCONNECT, (name,))
    with psycopg.connect(f"{address}/{name}") as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            connection.execute(f"DELETE FROM queuemgr.{table}")
    return f"{address}/{name}?schema=queuemgr"
