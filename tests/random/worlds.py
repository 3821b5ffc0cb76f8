"""Which world a store's address belongs to, and places for runs by hand. It runs nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

from .remote_worlds import PostgresWorld, RedisWorld
from .sqlite_world import SqliteWorld
from .world import World

WORLDS: dict[str, type[World]] = {"sqlite": SqliteWorld, "redis": RedisWorld, "postgresql": PostgresWorld}


@contextmanager
def world_at(url: str) -> Iterator[World]:
    kind = url.partition(":")[0]
    if kind == "postgresql":
        # Here no power is lost.
        url += f"{'&' if '?' in url else '?'}durability=normal"
    with closing(WORLDS[kind](url)) as world:
        yield world


@contextmanager
def place_for(store: str) -> Iterator[str]:
    """The address of an empty store, on a server of its own where it needs one."""
    match store:
        case "sqlite":
            shared_memory = Path("/dev/shm")
            with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as folder:
                yield f"sqlite:///{folder}/random.db"
        case _:
            with closing(Redis() if store == "redis" else Postgres(fsync="off")) as server:
                server.start()
                yield server.url
