"""Writes that wait at the same moment share a commit, and each has its own fate. Power does not fail here."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from queuemgr.errors import JobExists, StoreError
from queuemgr.job import Unique
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore
from tests.servers.process import until
from tests.store.rig import commits_in_log, make_job

THREADS, EACH = 20, 25


def in_threads(number: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_that_wait_at_the_same_time_share_a_commit(store: SqliteStore, path: Path) -> None:
    store.enqueue_now([make_job()])
    before = commits_in_log(path)
    threads = [threading.Thread(target=store.enqueue_now, args=([make_job()],)) for _ in range(THREADS)]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for thread in threads:
            thread.start()
        until(lambda: len(store._db._waiting) >= THREADS - 1)
        other.execute("ROLLBACK")
        for thread in threads:
            thread.join()
    assert asyncio.run(store.count(Query())) == THREADS + 1
    assert commits_in_log(path) - before == 2


def test_many_asynchronous_callers_share_a_few_commits(store: SqliteStore, path: Path) -> None:
    async def produce() -> None:
        await store.open()
        before = commits_in_log(path)
        await asyncio.gather(*(store.enqueue([make_job()]) for _ in range(400)))
        assert commits_in_log(path) - before < 40
        assert await store.count(Query()) == 400

    asyncio.run(produce())


def test_threads_and_loops_write_side_by_side(store: SqliteStore) -> None:
    async def produce() -> None:
        await asyncio.gather(*(store.enqueue([make_job()]) for _ in range(EACH)))

    def work(number: int) -> None:
        if number % 2:
            asyncio.run(produce())
        else:
            for _ in range(EACH):
                store.enqueue_now([make_job()])

    in_threads(8, work)
    assert asyncio.run(store.count(Query())) == 8 * EACH


def test_a_write_that_is_refused_does_not_hurt_those_that_share_its_commit(store: SqliteStore, path: Path) -> None:
    async def produce() -> list[object]:
        await store.enqueue([make_job(unique=Unique("taken"))])
        before = commits_in_log(path)
        writes = []
        for n in range(60):
            refused = n % 3 == 0
            writes.append(store.enqueue([make_job(), make_job(unique=Unique("taken" if refused else f"free {n}"))]))
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert commits_in_log(path) - before < 20
        assert await store.count(Query()) == 1 + 2 * 40
        return list(answers)

    answers = asyncio.run(produce())
    assert [isinstance(answer, JobExists) for answer in answers] == [n % 3 == 0 for n in range(60)]


def test_a_value_that_sqlite_cannot_hold_does_not_hurt_those_that_share_its_commit(store: SqliteStore) -> None:
    async def produce() -> list[object]:
        await store.open()
        writes = [store.enqueue([make_job(args=object() if n == 30 else b"")]) for n in range(60)]
        return list(await asyncio.gather(*writes, return_exceptions=True))

    answers = asyncio.run(produce())
    assert [n for n, answer in enumerate(answers) if isinstance(answer, BaseException)] == [30]
    assert isinstance(answers[30], StoreError)
    assert asyncio.run(store.count(Query())) == 59


@pytest.mark.parametrize("others", [0, 5])
def test_a_job_beyond_what_sqlite_can_hold_is_refused_alone(store: SqliteStore, others: int) -> None:
    store.enqueue_now([make_job()])
    writer = store._db._writer
    assert writer is not None
    writer.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000)

    async def produce() -> list[object]:
        writes = [store.enqueue([make_job(args=bytes(200_000))]), *(store.enqueue([make_job()]) for _ in range(others))]
        return list(await asyncio.gather(*writes, return_exceptions=True))

    first, *rest = asyncio.run(produce())
    assert isinstance(first, StoreError)
    assert "too big" in str(first)
    assert not any(isinstance(answer, BaseException) for answer in rest)
    assert asyncio.run(store.count(Query())) == 1 + others


def test_a_caller_that_no_longer_waits_takes_nothing_back_and_stops_nobody(store: SqliteStore) -> None:
    async def produce() -> int:
        await store.open()
        impatient = asyncio.create_task(store.enqueue([make_job()]))
        await asyncio.sleep(0)
        impatient.cancel()
        await store.enqueue([make_job()])
        assert impatient.cancelled() or await impatient
        return await store.count(Query())

    assert asyncio.run(produce()) == 2


def test_writes_of_a_store_that_was_closed_meanwhile_end(store: SqliteStore) -> None:
    async def produce() -> list[object]:
        await store.open()
        writes = [asyncio.create_task(store.enqueue([make_job()])) for _ in range(20)]
        await asyncio.sleep(0)
        await store.close()
        return list(await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), 10))

    answers = asyncio.run(produce())
    kept = asyncio.run(store.count(Query()))
    assert all(isinstance(answer, (list, StoreError)) for answer in answers)
    assert sum(isinstance(answer, list) for answer in answers) == kept


@pytest.mark.parametrize(("query", "level"), [("", 1), ("?durability=normal", 1), ("?durability=full", 2)])
def test_the_durability_in_the_address_is_that_of_every_connection(path: Path, query: str, level: int) -> None:
    store = SqliteStore(f"sqlite:///{path}{query}")
    store.enqueue_now([make_job()])
    try:
        for connection in (store._db._writer, store._db._reader):
            assert connection is not None
            assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    finally:
        store.close_now()
