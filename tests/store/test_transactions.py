"""A job enqueued in the caller's own transaction shares its fate. Says nothing of the store's own transactions."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from queuemgr.app import App
from queuemgr.errors import ConfigError, JobExists, StoreError, StoreUnavailable, Unsupported
from queuemgr.job import State, Unique
from queuemgr.store import Claim, Query
from queuemgr.stores.sqlite.store import SqliteStore
from tests.servers.process import until_async
from tests.store.rig import make_job, waits

EVERYTHING = Query()


@pytest.fixture
def connection(store: SqliteStore, path: Path) -> Iterator[sqlite3.Connection]:
    asyncio.run(store.open())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (number INTEGER)")
        yield connection


def count(store: SqliteStore, query: Query = EVERYTHING) -> int:
    return asyncio.run(store.count(query))


def test_the_job_exists_once_the_caller_commits(store: SqliteStore, connection: sqlite3.Connection) -> None:
    job = make_job(tags=("tag",), unique=Unique("key"))
    connection.execute("INSERT INTO orders VALUES (1)")
    assert [done.id for done in store.enqueue_on(connection, [job])] == [job.id]
    assert count(store) == 0
    connection.commit()
    assert asyncio.run(store.get(job.id)).state is State.READY
    assert count(store, Query(tag="tag")) == 1


def test_the_job_does_not_exist_when_the_caller_rolls_back(store: SqliteStore, connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO orders VALUES (1)")
    store.enqueue_on(connection, [make_job(unique=Unique("key"))])
    connection.rollback()
    assert count(store) == 0
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    store.enqueue_now([make_job(unique=Unique("key"))])


def test_a_job_enqueued_first_waits_for_the_commit_as_well(store: SqliteStore, connection: sqlite3.Connection) -> None:
    store.enqueue_on(connection, [make_job()])
    assert connection.in_transaction
    connection.rollback()
    assert count(store) == 0
    store.enqueue_on(connection, [make_job()])
    connection.commit()
    assert count(store) == 1


def test_with_the_connection_as_context_manager_an_exception_takes_the_job_back(
    store: SqliteStore, connection: sqlite3.Connection
) -> None:
    def fail() -> None:
        with connection:
            store.enqueue_on(connection, [make_job()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(store) == 0
    with connection:
        store.enqueue_on(connection, [make_job()])
    assert count(store) == 1


def test_a_connection_in_autocommit_mode_begins_by_hand(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        store.enqueue_on(connection, [make_job()])
        assert count(store) == 0
        connection.execute("ROLLBACK")
        assert count(store) == 0
        connection.execute("BEGIN")
        store.enqueue_on(connection, [make_job()])
        connection.execute("COMMIT")
    assert count(store) == 1


def test_without_a_transaction_in_autocommit_mode_the_jobs_exist_at_once_and_together(
    store: SqliteStore, path: Path
) -> None:
    store.enqueue_now([make_job(unique=Unique("taken"))])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(JobExists):
            store.enqueue_on(connection, [make_job(), make_job(unique=Unique("taken"))])
        assert not connection.in_transaction
        assert count(store) == 1
        store.enqueue_on(connection, [make_job(), make_job()])
    assert count(store) == 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3.connect(autocommit=) came with Python 3.12")
@pytest.mark.parametrize(("autocommit", "seen"), [(True, 1), (False, 0)])
def test_the_newer_autocommit_attribute_is_heeded(store: SqliteStore, path: Path, autocommit: bool, seen: int) -> None:
    with closing(sqlite3.connect(path, autocommit=autocommit)) as connection:  # type: ignore[call-overload,unused-ignore]
        store.enqueue_on(connection, [make_job()])
        assert count(store) == seen
        connection.commit()
    assert count(store) == 1


def test_a_refused_batch_leaves_the_rest_of_the_callers_transaction_alone(
    store: SqliteStore, connection: sqlite3.Connection
) -> None:
    store.enqueue_now([make_job(unique=Unique("taken"))])
    connection.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(JobExists):
        store.enqueue_on(connection, [make_job(), make_job(unique=Unique("taken"))])
    store.enqueue_on(connection, [make_job()])
    connection.commit()
    assert count(store) == 2
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (1,)


def test_rows_of_any_kind_do_not_disturb(store: SqliteStore, connection: sqlite3.Connection) -> None:
    def as_dict(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, object]:
        return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}

    first = store.enqueue_now([make_job(unique=Unique("key"))])[0].id
    connection.row_factory, connection.text_factory = as_dict, bytes
    (done,) = store.enqueue_on(connection, [make_job(unique=Unique("key", on_conflict="existing"))])
    assert (done.id, done.existing) == (first, True)
    assert connection.execute("SELECT 'x' AS text").fetchone() == {"text": b"x"}


def test_a_worker_that_waits_is_woken_by_the_callers_commit(
    store: SqliteStore, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queuemgr.stores.sqlite.waiting.LOOK_ANYWAY", 60.0)

    async def wait() -> int:
        waiter = asyncio.create_task(store.wait(["default"], 60))
        await until_async(lambda: waits(store))
        store.enqueue_on(connection, [make_job()])
        (bell,) = store._waiting._bells.values()
        before = set(bell._waiters)
        bell._ring()  # it looks, and waits again
        await until_async(lambda: waiter.done() or bell._waiters - before)
        assert not waiter.done()
        connection.commit()
        await asyncio.wait_for(waiter, 30)
        claim = Claim(worker="w", queues=[("default", 1)], limit=1, tasks=frozenset({"task"}))
        return len((await store.claim(claim)).leases)

    assert asyncio.run(wait()) == 1


def test_a_connection_to_another_file_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    for other in (tmp_path / "other.db", ":memory:"):
        with (
            closing(sqlite3.connect(other)) as connection,
            pytest.raises(ConfigError, match=r"jobs\.db.*in the same file"),
        ):
            store.enqueue_on(connection, [make_job()])
    assert count(store) == 0


def test_the_same_file_under_another_name_is_accepted(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    store.enqueue_now([make_job()])
    (tmp_path / "link.db").symlink_to(path)
    with closing(sqlite3.connect(tmp_path / "link.db")) as connection, connection:
        store.enqueue_on(connection, [make_job()])
    assert count(store) == 2


def test_trouble_with_the_callers_connection_is_a_store_error(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=0)) as other, closing(sqlite3.connect(path, timeout=0)) as connection:
        store.enqueue_now([make_job()])
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.enqueue_on(connection, [make_job()])
    with pytest.raises(StoreError, match="closed"):
        store.enqueue_on(connection, [make_job()])


def test_the_client_offers_it_and_says_where_it_cannot_be_had(path: Path) -> None:
    app = App(f"sqlite:///{path}")

    @app.task(name="greet")
    def greet(name: str) -> str:
        return name

    app.client.enqueue_many([])
    with closing(sqlite3.connect(path)) as connection:
        with connection:
            (handle,) = app.client.enqueue_many([greet.call("you")], connection=connection)
        assert handle.look().state is State.READY
        app.close()
        app.client.aio.__dict__["store"] = _Elsewhere()
        with pytest.raises(Unsupported, match="elsewhere://"):
            app.client.enqueue_many([greet.call("you")], connection=connection)


class _Elsewhere:
    url = "elsewhere://"


def test_an_asynchronous_caller_may_lend_its_connection_too(path: Path) -> None:
    app = App(f"sqlite:///{path}")
    add = app.task(name="add")(lambda a, b: a + b)

    async def scene() -> None:
        assert await app.aio.count() == 0
        with closing(sqlite3.connect(path)) as connection:
            for end, known in ((connection.rollback, 0), (connection.commit, 1)):
                (handle,) = await app.aio.enqueue_many([add.call(1, 2)], connection=connection)
                end()
                assert await app.aio.count(Query(ids=(handle.id,))) == known
        await app.aio.store.close()

    asyncio.run(scene())


def test_what_is_no_connection_of_sqlite_is_refused(store: SqliteStore) -> None:
    asyncio.run(store.open())
    with pytest.raises(ConfigError, match=r"a sqlite3.Connection, not of builtins.str"):
        store.enqueue_on("shop.db", [make_job()])  # type: ignore[arg-type]


def test_a_transaction_that_read_before_somebody_else_wrote_is_told_what_helps(
    store: SqliteStore, connection: sqlite3.Connection
) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM orders").fetchone()
    store.enqueue_now([make_job()])
    with pytest.raises(StoreUnavailable, match="roll it back and repeat it, and begin it with BEGIN IMMEDIATE"):
        store.enqueue_on(connection, [make_job()])
    connection.rollback()
    connection.execute("BEGIN IMMEDIATE")
    store.enqueue_on(connection, [make_job()])
    connection.commit()
    assert count(store) == 2
