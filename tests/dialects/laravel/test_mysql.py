"""What is special to MySQL and MariaDB: versions, statements that end a transaction, lost answers, rights."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from queuemgr.app import open_store
from queuemgr.dialects.laravel.database import mysql
from queuemgr.dialects.laravel.database.store import LaravelTableStore
from queuemgr.errors import ConfigError, StoreError, StoreUnavailable
from queuemgr.job import Job, new_id
from queuemgr.store import Claim, Query
from queuemgr.testing.contract.stage import FAILED
from tests.servers.mariadb import Mariadb

from .application import PATIENCE
from .tables import TableApplication
from .test_crashes import lines, until_told, worker
from .test_table_life import TASK, end_one, send

CLAIM = Claim(worker="w", queues=(("default", 50),), limit=50, tasks=frozenset({TASK}))


@contextmanager
def opened(url: str) -> Iterator[LaravelTableStore]:
    store = open_store(url)
    assert isinstance(store, LaravelTableStore)
    try:
        yield store
    finally:
        store._database.close()


def job(**fields: Any) -> Job:
    return Job(**{"id": new_id(), "task": TASK, "args": b"[[]]", **fields})


@pytest.mark.parametrize(
    ("version", "skips"),
    [
        ("5.7.44-log", False),
        ("8.0.0-dmr", False),
        ("8.0.1", True),
        ("9.4.0", True),
        ("10.5.29-MariaDB", False),
        ("5.5.5-10.5.29-MariaDB-1:10.5", False),
        ("10.6.0-MariaDB", True),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", True),
        ("12.1.2-MariaDB", True),
        ("nobody knows", False),
    ],
)
def test_rows_that_others_have_are_skipped_where_the_version_can_do_it(version: str, skips: bool) -> None:
    assert mysql.skips(version) is skips


@pytest.mark.parametrize("skips", [True, False])
def test_workers_that_claim_at_the_same_time_get_each_job_once(
    mariadb_tables: TableApplication, monkeypatch: pytest.MonkeyPatch, skips: bool
) -> None:
    monkeypatch.setattr(mysql, "skips", lambda version: skips)
    ids = asyncio.run(send(mariadb_tables.url, 40))

    async def claimed(number: int) -> list[str]:
        store = open_store(mariadb_tables.url)
        claim = Claim(worker=f"w{number}", queues=(("default", 1),), limit=5, tasks=frozenset({TASK}))
        found = [lease.id for _ in range(3) for lease in (await store.claim(claim)).leases]
        await store.close()
        return found

    async def play() -> Counter[str]:
        return Counter(one for found in await asyncio.gather(*map(claimed, range(3))) for one in found)

    assert set(counts := asyncio.run(play())) <= set(ids)
    assert set(counts.values()) == {1}
    assert sum(counts.values()) > 15 if skips else sum(counts.values()) == 40


@pytest.mark.parametrize("reached", [True, False])
def test_a_commit_without_an_answer_is_made_once_whether_it_reached_the_server_or_not(
    mariadb_tables: TableApplication, reached: bool
) -> None:
    with opened(mariadb_tables.url) as store:
        kind = store._database.kind
        broken: list[str] = []
        execute = kind.execute

        def break_at_commit(connection: Any, sql: str, values: Any) -> Any:
            if sql != "COMMIT" or broken:
                return execute(connection, sql, values)
            broken.append(sql)
            if reached:
                execute(connection, sql, values)
            connection._force_close()
            return execute(connection, "COMMIT", ())

        kind.execute = break_at_commit  # type: ignore[method-assign]
        store.enqueue_now([job(), job()])
        assert broken
    assert mariadb_tables.query("SELECT COUNT(*) FROM jobs") == [(2,)]


@pytest.mark.crash
def test_a_server_that_is_killed_and_comes_back_loses_and_doubles_nothing(
    own_mariadb: Callable[..., Mariadb], needs: Callable[[str], None], tmp_path: Path
) -> None:
    needs("php")
    server = own_mariadb()
    tables, file = TableApplication(f"laravel+{server.url}", tmp_path), tmp_path / "ran"
    tables.tell("tables")
    asyncio.run(send(tables.url, 4))
    with worker(tables.url, file, 0.5) as one:
        until_told(file, "began 1")
        server.restart()
        assert one.wait(PATIENCE) == 0
    assert lines(file) == {f"{word} {n}": 1 for word in ("began", "ended") for n in range(4)}
    assert tables.query("SELECT COUNT(*) FROM jobs") == [(0,)]


def test_a_connection_that_the_server_ended_while_nobody_used_it_is_made_anew(mariadb_tables: TableApplication) -> None:
    with opened(mariadb_tables.url) as store:
        store.enqueue_now([job()])
        mariadb_tables.query(f"KILL {store._database._connection.thread_id()}")
        store.enqueue_now([job()])
    assert mariadb_tables.query("SELECT COUNT(*) FROM jobs") == [(2,)]


def test_making_tables_of_ours_commits_nothing_else(mariadb_tables: TableApplication) -> None:
    mariadb_tables.query("DROP TABLE IF EXISTS queuemgr_workers, queuemgr_holds, queuemgr_keys, queuemgr_turns")
    with opened(mariadb_tables.url) as store:

        def fail_late(tx: Any) -> None:
            store._send(tx, [job()])
            store._book.make(tx)
            raise KeyError

        with pytest.raises(KeyError):
            store._database.do_now(fail_late)
    ours = {name for (name,) in mariadb_tables.query("SHOW TABLES LIKE 'queuemgr%'")}
    assert ours >= {"queuemgr_workers", "queuemgr_holds", "queuemgr_keys"}
    assert mariadb_tables.query("SELECT COUNT(*) FROM jobs") == [(0,)]


def test_without_laravels_table_failures_are_kept_in_one_of_ours_and_pruned(mariadb_tables: TableApplication) -> None:
    url = f"{mariadb_tables.url}?failed=nowhere"
    (failed,) = asyncio.run(send(url, 1))
    asyncio.run(end_one(url, FAILED))
    assert mariadb_tables.query("SELECT uuid FROM queuemgr_failed_jobs") == [(failed,)]
    mariadb_tables.query("UPDATE queuemgr_failed_jobs SET failed_at = '2001-01-01 00:00:00'")

    async def pruned() -> int:
        store = open_store(url)
        try:
            return await store.prune()
        finally:
            await store.close()

    assert asyncio.run(pruned()) == 1
    mariadb_tables.query("DROP TABLE queuemgr_failed_jobs")


def test_many_large_jobs_are_sent_in_statements_that_the_server_takes(mariadb_tables: TableApplication) -> None:
    ((most,),) = mariadb_tables.query("SELECT @@max_allowed_packet")
    large = json.dumps([["x" * 1_500_000]]).encode()
    with opened(mariadb_tables.url) as store:
        store.enqueue_now([job(args=large, task="App\\Jobs\\Text@run") for _ in range(most // 1_500_000 + 2)])
    assert mariadb_tables.query("SELECT SUM(OCTET_LENGTH(payload)) > @@max_allowed_packet FROM jobs") == [(1,)]


def test_keys_are_told_apart_by_each_letter_and_survive_any_byte(mariadb_tables: TableApplication) -> None:
    async def play() -> list[object]:
        store = open_store(mariadb_tables.url)
        every = bytes(range(256))
        told = [await store.key_put_if_absent(key, every) for key in ("Émile", "emile", "Émile")]
        kept = [await store.key_get("Émile"), await store.key_get("EMILE")]
        counted = [await store.key_add("n", 2), await store.key_add("n", 3)]
        await store.close()
        return [told, kept, counted]

    assert asyncio.run(play()) == [[True, True, False], [bytes(range(256)), None], [2, 5]]


def test_a_user_who_may_make_no_table_can_send_and_is_told_what_is_missing_for_more(
    mariadb_tables: TableApplication,
) -> None:
    database = urlsplit(mariadb_tables.url).path[1:]
    mariadb_tables.query("DROP TABLE IF EXISTS queuemgr_workers, queuemgr_holds, queuemgr_keys, queuemgr_turns")
    user = f"sender_{database}"
    mariadb_tables.query(f"CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY 'p@ss/w:rd'")
    mariadb_tables.query(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {user}@'%'")
    with opened(mariadb_tables.url.replace("root@", f"{user}:p%40ss%2Fw%3Ard@")) as store:
        store.enqueue_now([job()])
        assert mariadb_tables.query("SELECT COUNT(*) FROM jobs") == [(1,)]
        with pytest.raises(StoreError, match="CREATE command denied") as told:
            asyncio.run(store.claim(CLAIM))
        assert asyncio.run(store.count(Query())) == 1
        with opened(mariadb_tables.url) as maker:
            asyncio.run(maker.key_put_if_absent("any", b""))
        assert len(asyncio.run(store.claim(CLAIM)).leases) == 1
    assert "p@ss" not in str(told.value)


def test_what_cannot_be_reached_is_told_without_the_password(mariadb_tables: TableApplication) -> None:
    url = mariadb_tables.url.replace("root@", "nobody:secret@")
    with opened(url) as store, pytest.raises(StoreUnavailable, match="cannot be reached") as told:
        asyncio.run(store.count(Query()))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("laravel+mysql://localhost", "names no database"),
        ("laravel+mysql://localhost/shop?schema=a", "schema"),
        ("laravel+mysql://localhost/shop?tls=perhaps", "tls=perhaps"),
        ("laravel+mysql://localhost/shop?tls=yes&ssl_ca=/no/such/file", "certificates"),
    ],
)
def test_a_url_that_cannot_be_is_refused_in_a_sentence(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words), opened(url) as store:
        asyncio.run(store.count(Query()))


@pytest.mark.parametrize("scheme", ["laravel+mysql", "laravel+mariadb"])
def test_without_its_client_the_store_says_what_to_install(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    found: Callable[[], Any] = mysql._pymysql
    found.cache_clear()  # type: ignore[attr-defined]
    with opened(f"{scheme}://localhost/shop") as store, pytest.raises(ConfigError, match=r"queuemgr\[mysql\]"):
        asyncio.run(store.count(Query()))
