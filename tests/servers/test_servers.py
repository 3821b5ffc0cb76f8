"""The servers that tests get are real ones, of their own where they must be, and end with the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pymysql
import pytest
from redis import Redis as Client
from redis.cluster import RedisCluster

from .mariadb import Mariadb
from .postgres import PgBouncer, Postgres
from .process import lives, until
from .redis import Cluster, Redis, Sentinel


def test_what_redis_has_acknowledged_is_there_after_its_death(own_redis: Callable[..., Redis]) -> None:
    server = own_redis("--appendfsync", "always")
    with Client.from_url(server.url) as client:
        client.set("key", "value")
    server.restart()
    with Client.from_url(server.url) as client:
        assert client.get("key") == b"value"


def test_what_postgres_has_committed_is_there_after_its_death(own_postgres: Callable[..., Postgres]) -> None:
    server = own_postgres(synchronous_commit="on")
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    server.restart()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_what_mariadb_has_committed_is_there_after_its_death(own_mariadb: Callable[..., Mariadb]) -> None:
    server = own_mariadb()
    where = {"host": "127.0.0.1", "port": server.port, "user": "root", "database": "queuemgr"}
    with pymysql.connect(**where) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (n int)")
        cursor.execute("INSERT INTO kept VALUES (7)")
        connection.commit()
    server.restart()
    with pymysql.connect(**where) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT n FROM kept")
        assert cursor.fetchone() == (7,)


def test_pgbouncer_lets_its_clients_share_a_connection(
    own_postgres: Callable[..., Postgres], own_pgbouncer: Callable[..., PgBouncer]
) -> None:
    url = own_pgbouncer(own_postgres(), 1).url
    with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as other:
        pids = [client.execute("SELECT pg_backend_pid()").fetchone() for client in (one, other, one)]
    assert len(set(pids)) == 1


def test_a_sentinel_makes_the_replica_the_master(
    own_redis: Callable[..., Redis], own_sentinel: Callable[..., Sentinel]
) -> None:
    master = own_redis()
    replica = own_redis("--replicaof", "127.0.0.1", str(master.port))
    sentinel = own_sentinel(master)
    assert sentinel.master == master.port
    master.kill()
    until(lambda: sentinel.master == replica.port)


def test_a_cluster_answers_for_all_its_slots(own_cluster: Callable[..., Cluster]) -> None:
    client = RedisCluster.from_url(own_cluster().url)
    for number in range(20):
        assert client.set(f"key{number}", number)
    client.close()


def test_tests_share_a_server_and_no_place_on_it(redis_url: str, postgres_url: str) -> None:
    with Client.from_url(f"redis://{urlsplit(redis_url).netloc}") as client:
        assert client.ping()
    assert psycopg.connect(postgres_url.partition("?")[0]).close() is None  # type: ignore[func-returns-value]
    assert urlsplit(redis_url).query.startswith("prefix=t")
    assert urlsplit(postgres_url).query.startswith("schema=t")


PROGRAM = """
import os, sys
from tests.servers.plugin import _start
print(_start(sys.argv[1], os.getpid()), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("kind", "component"), [("redis", "redis"), ("postgres", "postgresql"), ("mariadb", "mariadb")]
)
def test_a_shared_server_ends_with_its_run_even_if_that_is_killed(
    needs: Callable[[str], None], kind: str, component: str
) -> None:
    needs(component)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, kind], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        port = urlsplit(run.stdout.readline().strip()).port
        (pid,) = {c.pid for c in psutil.net_connections("tcp4") if c.status == "LISTEN" and port in c.laddr}
        server = psutil.Process(pid)
        keeper = psutil.Process(server.ppid())
        os.kill(run.pid, signal.SIGKILL)
    until(lambda: not lives(keeper) and not lives(server))
