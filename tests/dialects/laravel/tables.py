"""Laravel with its jobs in a database: its tables, made by its own code, and its real worker and producer."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .application import Application


@dataclass(slots=True)
class TableApplication(Application):
    """A Laravel application on the database behind the URL of a store."""

    def forget_reservations(self) -> None:
        self.query("UPDATE jobs SET reserved_at = 1 WHERE reserved_at IS NOT NULL")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Carry it out by itself; its rows."""
        if self.file is not None:
            with closing(sqlite3.connect(self.file, timeout=30)) as connection, connection:
                return connection.execute(sql).fetchall()
        if self.url.startswith("laravel+mysql"):
            return self._mysql(sql)
        import psycopg

        with psycopg.connect(self._conninfo, options=f"-c search_path={self._schema}", autocommit=True) as server:
            cursor = server.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def _mysql(self, sql: str) -> list[tuple[Any, ...]]:
        import pymysql

        database = urlsplit(self.url).path[1:]
        with pymysql.connect(**self._server, database=database) as server, server.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def has_new_database(self, name: str) -> bool:
        """Make the database of this name in MariaDB; False where it was there: then its tables are emptied."""
        import pymysql

        with pymysql.connect(**self._server) as server, server.cursor() as cursor:
            if not cursor.execute("SHOW DATABASES LIKE %s", (name,)):
                cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
                return True
            cursor.execute(f"SHOW TABLES FROM {name}")
            for (table,) in cursor.fetchall():
                cursor.execute(f"DELETE FROM {name}.{table}")
        return False

    @property
    def _server(self) -> dict[str, Any]:
        parts = urlsplit(self.url)
        where = {"host": parts.hostname, "port": parts.port, "user": parts.username}
        return {**where, "charset": "utf8mb4", "autocommit": True}

    @property
    def file(self) -> Path | None:
        parts = urlsplit(self.url)
        return Path(unquote(parts.path[1:])) if parts.scheme.endswith("sqlite") else None

    @property
    def _conninfo(self) -> str:
        return self.url.removeprefix("laravel+").partition("?")[0]

    @property
    def _schema(self) -> str:
        return parse_qs(urlsplit(self.url).query).get("schema", [""])[0]

    def environment(self) -> dict[str, str]:
        told = {**os.environ, "QUEUE": "database"}
        if self.file is not None:
            return {**told, "DATABASE_FILE": str(self.file)}
        return {**told, "DATABASE_URL": self._conninfo, "DATABASE_SCHEMA": self._schema}
