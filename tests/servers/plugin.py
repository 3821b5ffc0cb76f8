"""The fixtures: an empty place on a server that the whole run shares, or a server of the test's own.

`store_url` runs a test once for each store. `redis_url` and `postgres_url` are URLs of stores that nobody else uses.
The servers that the run shares are started by the first test that asks for one, and may not be harmed: a test that
kills or restarts a server takes one of its own.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from .emptying import emptied
from .mariadb import Mariadb
from .postgres import PgBouncer, Postgres
from .process import Server
from .redis import Cluster, Redis, Sentinel

ROOT = Path(__file__).parents[2]
Needs = Callable[[str], None]
Shared = Callable[[str], str]
Own = Callable[..., Any]
S = TypeVar("S", bound="Server | Cluster")


@pytest.fixture(scope="session")
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Gives the address of the run's server of a kind."""
    folder, run = tmp_path_factory.getbasetemp(), os.getpid()
    if hasattr(request.config, "workerinput"):
        folder, run = folder.parent, os.getppid()

    def address(kind: str) -> str:
        with (folder / f"{kind}.url").open("a+") as told:
            fcntl.flock(told, fcntl.LOCK_EX)
            told.seek(0)
            if not (url := told.read()):
                url = _start(kind, run)
                told.write(url)
        return url

    return address


def _start(kind: str, run: int) -> str:
    command = [sys.executable, "-m", "tests.servers.keeper", kind, str(run)]
    url = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    assert url, f"the {kind} server could not be started: see above"
    return url


@pytest.fixture
def redis_url(needs: Needs, shared_server: Shared) -> str:
    needs("redis")
    return f"{shared_server('redis')}?prefix={_unique()}"


@pytest.fixture
def postgres_url(needs: Needs, shared_server: Shared) -> str:
    needs("postgresql")
    return f"{shared_server('postgres')}?schema={_unique()}"


@pytest.fixture
def mariadb_url(needs: Needs, shared_server: Shared) -> str:
    """The server's, without a database."""
    needs("mariadb")
    return shared_server("mariadb").rpartition("/")[0]


@pytest.fixture
def emptied_postgres_url(request: pytest.FixtureRequest, needs: Needs, shared_server: Shared) -> str:
    """Tables that earlier tests of this process have used, empty, and with nobody else's connection to them.

    To make them takes the server longer than most tests take. Who looks at their making takes `postgres_url`.
    """
    needs("postgresql")
    return emptied(shared_server("postgres"), getattr(request.config, "workerinput", {}).get("workerid", "alone"))


def _unique() -> str:
    return f"t{uuid4().hex[:12]}"


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind, one after the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    url: str = request.getfixturevalue({"redis": "redis_url", "postgres": "emptied_postgres_url"}[request.param])
    return url


@pytest.fixture
def own(needs: Needs) -> Iterator[Own]:
    """Starts servers of this test's own, which end with it."""
    with ExitStack() as servers:

        def start(component: str, kind: Callable[..., S], *arguments: Any, **settings: Any) -> S:
            needs(component)
            server = kind(*arguments, **settings)
            servers.callback(server.close)
            server.start()
            return server

        yield start


@pytest.fixture
def own_redis(own: Own) -> Callable[..., Redis]:
    """`own_redis("--appendfsync", "always")`; a replica with `"--replicaof", "127.0.0.1", str(other.port)`."""
    return lambda *arguments: own("redis", Redis, *arguments)


@pytest.fixture
def own_sentinel(own: Own) -> Callable[..., Sentinel]:
    """`own_sentinel(redis)`: its master is called `queuemgr`."""
    return lambda *arguments: own("redis", Sentinel, *arguments)


@pytest.fixture
def own_cluster(own: Own) -> Callable[..., Cluster]:
    """`own_cluster()`: three masters."""
    return lambda *arguments: own("redis", Cluster, *arguments)


@pytest.fixture
def own_postgres(own: Own) -> Callable[..., Postgres]:
    """`own_postgres(synchronous_commit="off")`."""
    return lambda **settings: own("postgresql", Postgres, **settings)


@pytest.fixture
def own_mariadb(own: Own) -> Callable[..., Mariadb]:
    return lambda **settings: own("mariadb", Mariadb, **settings)


@pytest.fixture
def own_pgbouncer(own: Own) -> Callable[..., PgBouncer]:
    """`own_pgbouncer(postgres)`: transaction mode."""
    return lambda *arguments: own("pgbouncer", PgBouncer, *arguments)
