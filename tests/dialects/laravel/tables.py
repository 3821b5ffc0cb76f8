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
        import psycopg

        with psycopg.connect(self._conninfo, options=f"-c search_path={self._schema}", autocommit=True) as server:
            cursor = server.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @property
    def file(self) -> Path | None:
        parts = urlsplit(self.url)
        return Path(unquote(parts.path[1:])) if parts.scheme.endswith("sqlite") else None

    @property
    def _conninfo(self) -> str:
        return self.url.removeprefix("laravel+").partition("?")[0]

    @property
    def _schema(self) -> str:
        return parse_qs(urlsplit(self.url).query)["schema"][0]

    def environment(self) -> dict[str, str]:
        told = {**os.environ, "QUEUE": "database"}
        if self.file is not None:
            return {**told, "DATABASE_FILE": str(self.file)}
        return {**told, "DATABASE_URL": self._conninfo, "DATABASE_SCHEMA": self._schema}
