"""The random runs' worlds for servers: each process has connections of its own, and may die before any question.

The server itself lives on; tests/faults kills that.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import psycopg
import redis

from queuemgr.app import open_store
from queuemgr.stores.postgres import store as postgres_store
from queuemgr.stores.postgres.database import Database
from queuemgr.stores.postgres.wire import Wire
from queuemgr.stores.redis import store as redis_store
from queuemgr.stores.redis.server import Server

from .world import Died, Process, World


class RemoteWorld(World):
    questions: tuple[tuple[type, str], ...]
    """The methods by which the store asks its server something."""

    def __init__(self, url: str, most: int = 8) -> None:
        super().__init__(url, most)
        # asyncio.Runner sets and resets what Ctrl-C does around everything that it runs: a third of these worlds' time.
        self._loop = asyncio.new_event_loop()
        self._left: int | None = None
        for home, name in self.questions:
            self._patches.enter_context(mock.patch.object(home, name, self._counted(getattr(home, name))))

    def close(self) -> None:
        super().close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def open(self) -> Any:
        return open_store(self.url, self.clock)

    def abandon(self, store: Any) -> None:
        self.run(store.close())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def run_mortally(self, process: Process, work: Coroutine[Any, Any, Any], dies_at: int | None) -> Any:
        self._left = dies_at
        try:
            return self.run(work)
        finally:
            self._left = None

    def _counted(self, ask: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
        async def counted(*about: Any, **how: Any) -> Any:
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    raise Died
            return await ask(*about, **how)

        return counted

    @abstractmethod
    def empty(self) -> None: ...


class RedisWorld(RemoteWorld):
    patrol = redis_store.PATROL
    homes = (redis_store,)
    questions = ((Server, "_run_on"),)

    def __init__(self, url: str, most: int = 8) -> None:
        super().__init__(url, most)
        address = urlsplit(url)
        self._client = redis.Redis.from_url(address._replace(query="").geturl())
        self._prefix = parse_qs(address.query).get("prefix", ["queuemgr"])[0]

    def close(self) -> None:
        super().close()
        self._client.close()

    def empty(self) -> None:
        if keys := list(self._client.scan_iter(f"{{{self._prefix}}}*", 10_000)):
            self._client.delete(*keys)


class PostgresWorld(RemoteWorld):
    patrol = postgres_store.PATROL
    homes = (postgres_store,)
    questions = ((Wire, "ask"), (Database, "in_lane"))

    def __init__(self, url: str, most: int = 8) -> None:
        super().__init__(url, most)
        address = urlsplit(url)
        self._schema = parse_qs(address.query).get("schema", ["queuemgr"])[0]
        store = self.open()
        self.run(store.open())
        self.run(store.close())
        self._own = psycopg.connect(address._replace(query="").geturl(), autocommit=True)
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'meta'"
        self._tables = [name for (name,) in self._own.execute(tables, [self._schema])]

    def close(self) -> None:
        super().close()
        self._own.close()

    def empty(self) -> None:
        deletions = (f"DELETE FROM {self._schema}.{table};" for table in self._tables)
        self._own.execute(f"BEGIN; {' '.join(deletions)} COMMIT")

    def in_own_transaction(self, work: Callable[[Any], Any], *, commit: bool) -> Any:
        with self._own.transaction(force_rollback=not commit):
            return work(self._own)
