"""A job enqueued in the caller's own transaction shares its fate, whatever library the transaction is made with."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg.rows import class_row, dict_row, scalar_row

from queuemgr.app import App
from queuemgr.errors import ConfigError, JobExists
from queuemgr.job import State, Unique
from queuemgr.store import Query
from queuemgr.stores.postgres.address import read_address
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import claim_of, make_job, plain


@dataclass
class _Order:
    """What a caller may have chosen for the rows of his connection to be."""

    number: int


@pytest.fixture
def connection(store: PostgresStore, postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    asyncio.run(store.open())
    with closing(plain(postgres_url)) as connection:
        connection.execute("CREATE TABLE orders (number integer)")
        connection.commit()
        yield connection


def count(store: PostgresStore, query: Query | None = None) -> int:
    return asyncio.run(store.count(query or Query()))


def address_of(url: str) -> str:
    return read_address(url).conninfo.partition("?")[0]


def test_the_job_exists_once_the_caller_commits(store: PostgresStore, connection: psycopg.Connection[Any]) -> None:
    job = make_job(tags=("tag",), unique=Unique("key"))
    connection.execute("INSERT INTO orders VALUES (1)")
    assert [done.id for done in store.enqueue_on(connection, [job])] == [job.id]
    assert count(store) == 0
    connection.commit()
    assert asyncio.run(store.get(job.id)).state is State.READY
    assert count(store, Query(tag="tag")) == 1


def test_the_job_does_not_exist_when_the_caller_rolls_back(
    store: PostgresStore, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("INSERT INTO orders VALUES (1)")
    store.enqueue_on(connection, [make_job(unique=Unique("key"))])
    connection.rollback()
    assert count(store) == 0
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    connection.rollback()
    store.enqueue_now([make_job(unique=Unique("key"))])


def test_a_refused_job_leaves_the_callers_transaction_as_it_was(
    store: PostgresStore, connection: psycopg.Connection[Any]
) -> None:
    store.enqueue_now([make_job(unique=Unique("key"))])
    connection.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(JobExists):
        store.enqueue_on(connection, [make_job(), make_job(unique=Unique("key"))])
    connection.commit()
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    assert count(store) == 1


@pytest.mark.parametrize("rows", [None, dict_row, scalar_row, class_row(SimpleNamespace), class_row(_Order)])
def test_a_cursor_serves_as_well_whatever_its_rows_look_like(
    store: PostgresStore, connection: psycopg.Connection[Any], rows: Any
) -> None:
    with connection.cursor(row_factory=rows) if rows else connection.cursor() as cursor:
        store.enqueue_on(cursor, [make_job()])
    connection.commit()
    connection.row_factory = rows or connection.row_factory
    store.enqueue_on(connection, [make_job()])
    connection.commit()
    assert count(store) == 2


def test_a_cursor_with_parameters_of_another_kind_serves_as_well(
    store: PostgresStore, connection: psycopg.Connection[Any]
) -> None:
    connection.cursor_factory = psycopg.RawCursor
    store.enqueue_on(connection, [make_job()])
    connection.commit()
    assert count(store) == 1


def test_a_waiting_worker_is_woken_by_the_callers_commit(
    store: PostgresStore, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queuemgr.stores.postgres.waiting.LOOK_ANYWAY", 60.0)

    async def course() -> None:
        waiter = asyncio.create_task(store.wait(["default"], 60.0))
        store.enqueue_on(connection, [make_job()])
        await asyncio.sleep(0.2)
        assert not waiter.done()
        connection.commit()
        await asyncio.wait_for(waiter, 0.5)
        assert len((await store.claim(claim_of())).leases) == 1
        await store.close()

    asyncio.run(course())


def test_the_client_enqueues_on_a_connection(postgres_url: str, connection: psycopg.Connection[Any]) -> None:
    app = App(postgres_url)
    task = app.task(_nothing)
    (handle,) = app.client.enqueue_many([task.call()], connection=connection)
    connection.commit()
    assert app.client.get(handle.id).state is State.READY
    app.close()


def _nothing() -> None: ...


def test_sqlalchemy_connections_and_sessions_carry_jobs(store: PostgresStore, postgres_url: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    orm = pytest.importorskip("sqlalchemy.orm")
    engine = sqlalchemy.create_engine(address_of(postgres_url).replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        store.enqueue_on(connection, [make_job()])
        connection.rollback()
        assert count(store) == 0
        store.enqueue_on(connection, [make_job()])
        connection.commit()
    with orm.Session(engine) as session, session.begin():
        store.enqueue_on(session, [make_job()])
    engine.dispose()
    assert count(store) == 2


def test_a_django_connection_carries_jobs_in_its_atomic_blocks(store: PostgresStore, postgres_url: str) -> None:
    django = pytest.importorskip("django")
    from django.conf import settings
    from django.db import DEFAULT_DB_ALIAS
    from django.db.utils import ConnectionHandler

    if not settings.configured:
        settings.configure()
        django.setup()
    parts = psycopg.conninfo.conninfo_to_dict(address_of(postgres_url))
    databases = {
        DEFAULT_DB_ALIAS: {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts["dbname"],
            "USER": parts["user"],
            "HOST": parts["host"],
            "PORT": parts["port"],
        }
    }
    connection = ConnectionHandler(databases)[DEFAULT_DB_ALIAS]
    asyncio.run(store.open())
    connection.set_autocommit(False)
    store.enqueue_on(connection, [make_job()])
    connection.rollback()
    assert count(store) == 0
    store.enqueue_on(connection, [make_job()])
    with connection.cursor() as cursor:
        store.enqueue_on(cursor, [make_job()])
    connection.commit()
    connection.close()
    assert count(store) == 2


def test_asynchronous_connections_carry_jobs(store: PostgresStore, postgres_url: str) -> None:
    async def course() -> None:
        connection = await psycopg.AsyncConnection.connect(read_address(postgres_url).conninfo)
        await store.enqueue_on_async(connection, [make_job()])
        await connection.rollback()
        assert await store.count(Query()) == 0
        await store.enqueue_on_async(connection, [make_job()])
        async with connection.cursor() as cursor:
            await store.enqueue_on_async(cursor, [make_job()])
        await connection.commit()
        await connection.close()
        assert await store.count(Query()) == 2
        await store.close()

    asyncio.run(course())


def test_asynchronous_sqlalchemy_carries_jobs(store: PostgresStore, postgres_url: str) -> None:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("greenlet")
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    async def course() -> None:
        engine = create_async_engine(address_of(postgres_url).replace("postgresql:", "postgresql+psycopg:"))
        async with engine.begin() as connection:
            await store.enqueue_on_async(connection, [make_job()])
        async with AsyncSession(engine) as session:
            await store.enqueue_on_async(session, [make_job()])
            await session.rollback()
            await store.enqueue_on_async(session, [make_job()])
            await session.commit()
        await engine.dispose()
        assert await store.count(Query()) == 2
        await store.close()

    asyncio.run(course())


def test_asyncpg_carries_jobs(store: PostgresStore, postgres_url: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")

    async def course() -> None:
        connection = await asyncpg.connect(address_of(postgres_url))
        async with connection.transaction():
            await store.enqueue_on_async(connection, [make_job()])
            assert await store.count(Query()) == 0
        await connection.close()
        assert await store.count(Query()) == 1
        async with asyncpg.create_pool(address_of(postgres_url), min_size=1) as pool, pool.acquire() as connection:
            await store.enqueue_on_async(connection, [make_job()])
        assert await store.count(Query()) == 2
        await store.close()

    asyncio.run(course())


def test_a_connection_to_another_store_is_refused(store: PostgresStore, postgres_url: str) -> None:
    asyncio.run(store.open())
    with plain(postgres_url) as connection:
        connection.execute("UPDATE meta SET value = 'other' WHERE key = 'id'")
    with plain(postgres_url) as connection, pytest.raises(ConfigError, match="same database"):
        store.enqueue_on(connection, [make_job()])
    assert count(store) == 0


def test_what_is_no_connection_is_refused(store: PostgresStore) -> None:
    with pytest.raises(ConfigError, match="no connection"):
        store.enqueue_on(object(), [make_job()])


def test_a_connection_to_a_database_without_a_store_is_refused(store: PostgresStore, postgres_url: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    asyncio.run(store.open())
    elsewhere = postgres_url.replace("/queuemgr?", "/postgres?").partition("?")[0]
    assert elsewhere.endswith("/postgres")
    with psycopg.connect(elsewhere) as connection, pytest.raises(ConfigError, match="another database"):
        store.enqueue_on(connection, [make_job()])
    engine = sqlalchemy.create_engine(elsewhere.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection, pytest.raises(ConfigError, match="another database"):
        store.enqueue_on(connection, [make_job()])
    engine.dispose()


def test_a_connection_to_another_kind_of_database_is_refused(store: PostgresStore) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(ConfigError, match="is to sqlite"):
        store.enqueue_on(connection, [make_job()])
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(ConfigError, match="is to sqlite"):
        store.enqueue_on(connection, [make_job()])
    engine.dispose()


def test_a_connection_is_asked_for_in_its_own_way(store: PostgresStore, postgres_url: str) -> None:
    async def course() -> None:
        url = address_of(postgres_url)
        async with await psycopg.AsyncConnection.connect(url) as connection:
            with pytest.raises(ConfigError, match=r"AsyncConnection is asynchronous: .*app\.aio"):
                store.enqueue_on(connection, [make_job()])
        with psycopg.connect(url) as blocking, pytest.raises(ConfigError, match=r"synchronous: .*app\.client"):
            await store.enqueue_on_async(blocking, [make_job()])
        await store.close()

    asyncio.run(course())
