"""Whose file it is: permissions, files of others, and files of other versions of queuemgr."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from queuemgr.app import App, open_store
from queuemgr.errors import ConfigError, EncodingError, ForeignStore, NewerStore, StoreUnavailable
from queuemgr.job import State, order_of
from queuemgr.store import Claim, Query
from queuemgr.stores.sqlite import opening, schema
from queuemgr.stores.sqlite.store import SqliteStore
from tests.store.rig import make_job, run_python

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(2000)


def number_of_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def in_file(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_new_files_can_be_read_by_their_owner_alone(store: SqliteStore, path: Path) -> None:
    store.enqueue_now([make_job()])
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["jobs.db", "jobs.db-shm", "jobs.db-turn", "jobs.db-wal"]
    assert [mode(file) for file in files] == [0o600] * 4


def test_the_permissions_of_a_file_that_is_there_are_left_alone(store: SqliteStore, path: Path) -> None:
    path.touch()
    path.chmod(0o640)
    store.enqueue_now([make_job()])
    assert mode(path) == 0o640


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(store: SqliteStore, path: Path) -> None:
    path.write_bytes(PNG)
    for _ in range(2):
        with pytest.raises(ForeignStore, match=r"jobs\.db is not a SQLite database"):
            store.enqueue_now([make_job()])
    assert path.read_bytes() == PNG


def test_an_application_may_keep_its_own_tables_in_the_same_file(store: SqliteStore, path: Path) -> None:
    in_file(path, "CREATE TABLE orders AS SELECT 1 AS number")
    store.enqueue_now([make_job()])
    assert in_file(path, "SELECT number FROM orders") == [(1,)]
    in_file(path, "INSERT INTO orders VALUES (2)")
    assert asyncio.run(store.count(Query())) == 1
    names = in_file(path, "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name <> 'orders'")
    assert all(str(name).startswith("queuemgr_") for (name,) in names)


@pytest.mark.parametrize(
    "table",
    ["queuemgr_jobs (id)", "queuemgr_meta (id)", "queuemgr_meta (key, value)", "queuemgr_anything (x)"],
)
def test_a_strangers_table_under_one_of_our_names_is_refused(store: SqliteStore, path: Path, table: str) -> None:
    in_file(path, f"CREATE TABLE {table}")
    with pytest.raises(ForeignStore, match=r"jobs\.db has a table 'queuemgr_"):
        store.enqueue_now([make_job()])
    assert in_file(path, "SELECT count(*) FROM sqlite_master WHERE type = 'table'") == [(1,)]


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_was(path: Path) -> None:
    store = SqliteStore(f"sqlite:///{path}")
    store.enqueue_now([make_job()])
    store.close_now()
    in_file(path, "UPDATE queuemgr_meta SET value = '999' WHERE key = 'schema'")
    with pytest.raises(NewerStore, match=r"schema 999, this one knows \d+.*update queuemgr"):
        store.enqueue_now([make_job()])
    assert in_file(path, "SELECT value FROM queuemgr_meta") == [("999",)]
    assert in_file(path, "SELECT count(*) FROM queuemgr_jobs") == [(1,)]


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> int:
    """This queuemgr becomes the version after itself."""
    more = "ALTER TABLE queuemgr_jobs ADD COLUMN mood TEXT;\nCREATE INDEX queuemgr_mood ON queuemgr_jobs (mood);\n"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, more))
    for module in (schema, opening):
        monkeypatch.setattr(module, "VERSION", len(schema.MIGRATIONS))
    return len(schema.MIGRATIONS)


def test_a_file_of_an_older_version_is_brought_up_to_date_with_its_jobs(
    path: Path, request: pytest.FixtureRequest
) -> None:
    old = SqliteStore(f"sqlite:///{path}")
    job = make_job()
    old.enqueue_now([job])
    old.close_now()
    version = request.getfixturevalue("next_version")
    new = SqliteStore(f"sqlite:///{path}")
    try:
        assert asyncio.run(new.get(job.id)).id == job.id
        assert in_file(path, "SELECT value FROM queuemgr_meta") == [(str(version),)]
        assert in_file(path, "SELECT mood FROM queuemgr_jobs") == [(None,)]
    finally:
        new.close_now()


def test_a_file_of_the_first_version_goes_on_with_its_jobs_counted(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; {schema.V1}")
        connection.execute("INSERT INTO queuemgr_meta VALUES ('schema', '1')")
        row = "(?, ?, 0, 1, 'default', ?, 0, 1.0, x'5b5d')"
        columns = "(seq, id, named, state, queue, task, priority, created_at, args)"
        jobs = [make_job(task=task) for task in ("one", "other", "one")]
        values = [(order_of(job.id), job.id, job.task) for job in jobs]
        connection.executemany(f"INSERT INTO queuemgr_jobs {columns} VALUES {row}", values)
        connection.commit()
    store = SqliteStore(f"sqlite:///{path}")
    try:
        (queue,) = asyncio.run(store.queues())
        assert queue.counts == {State.READY: 3}
        claim = Claim(worker="w", queues=[("default", 9)], limit=9, tasks=frozenset({"one", "other"}))
        assert [lease.id for lease in asyncio.run(store.claim(claim)).leases] == [job.id for job in jobs]
        assert in_file(path, "SELECT value FROM queuemgr_meta") == [(str(schema.VERSION),)]
    finally:
        store.close_now()


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = SqliteStore(f"sqlite:///{path}")
    old.enqueue_now([make_job()])
    old.close_now()
    wrong = "CREATE TABLE queuemgr_new (x);\nCREATE TABLE queuemgr_jobs (x);\n"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, wrong))
    for module in (schema, opening):
        monkeypatch.setattr(module, "VERSION", len(schema.MIGRATIONS))
    for _ in range(2):
        with pytest.raises(Exception, match="already exists"):
            SqliteStore(f"sqlite:///{path}").enqueue_now([make_job()])
    assert in_file(path, "SELECT value FROM queuemgr_meta") == [(str(len(schema.MIGRATIONS) - 1),)]
    assert in_file(path, "SELECT name FROM sqlite_master WHERE name = 'queuemgr_new'") == []


@pytest.mark.usefixtures("next_version")
def test_of_two_versions_at_one_file_the_older_steps_back_and_the_newer_goes_on(store: SqliteStore, path: Path) -> None:
    store.enqueue_now([make_job()])
    told = run_python(
        """
        try:
            SqliteStore(f"sqlite:///{sys.argv[1]}").enqueue_now([make_job()])
        except NewerStore as error:
            print(error)
        """,
        path,
    )
    assert "written by a newer queuemgr" in told
    store.enqueue_now([make_job()])
    assert asyncio.run(store.count(Query())) == 2


def test_opening_the_store_does_not_loosen_the_locks_of_the_applications_own_connection(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_file(path, "CREATE TABLE orders (number)")
    monkeypatch.setattr(opening, "PATIENCE", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("BEGIN IMMEDIATE")
        own.execute("INSERT INTO orders VALUES (1)")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.enqueue_now([make_job()])
        told = run_python(
            """
            try:
                sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                print(error)
            """,
            path,
        )
        own.execute("COMMIT")
    assert told == "database is locked"


def test_opening_that_fails_leaves_no_file_open(store: SqliteStore, path: Path) -> None:
    path.write_bytes(PNG)
    before = number_of_open_files()
    for _ in range(5):
        with pytest.raises(ForeignStore):
            store.enqueue_now([make_job()])
    assert number_of_open_files() == before


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///jobs.db?durability=high", "did you mean|known: "),
        ("sqlite:///jobs.db?durabilty=full", "did you mean 'durability=full'"),
        ("sqlite:///jobs.db?durability=", "means nothing"),
        ("sqlit:///jobs.db", "is no store, such as sqlite:///jobs.db: did you mean 'sqlite'\\?$"),
        ("nosuch://jobs", "'nosuch://jobs' is no store, such as sqlite:///jobs.db: known: .*postgresql"),
        ("jobs.db", "^'jobs.db' is no URL: did you mean sqlite:///jobs.db\\?$"),
        ("/srv/jobs.db", "did you mean sqlite:////srv/jobs.db\\?$"),
        ("localhost:6379", "is no URL: write for example sqlite:///jobs.db$"),
        ("", "is no URL: write for example sqlite:///jobs.db$"),
    ],
)
def test_an_address_that_means_nothing_is_refused_with_a_hint(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        open_store(url)


def test_a_relative_address_is_meant_from_where_the_program_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert SqliteStore("sqlite:///sub/jobs.db").path == tmp_path / "sub" / "jobs.db"
    assert SqliteStore("sqlite:////srv/jobs.db?durability=full").path == Path("/srv/jobs.db")
    assert SqliteStore("sqlite:///~/jobs.db").path == Path.home() / "jobs.db"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="sub does not exist"):
        SqliteStore(f"sqlite:///{tmp_path}/sub/jobs.db").enqueue_now([make_job()])


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").mkdir()
    with pytest.raises(StoreUnavailable, match=r"jobs\.db is a folder: name a file in it"):
        SqliteStore(f"sqlite:///{tmp_path}/jobs.db").enqueue_now([make_job()])
    assert [*tmp_path.iterdir()] == [tmp_path / "jobs.db"]


def test_arguments_over_the_limit_are_refused_before_anything_is_written(path: Path) -> None:
    app = App(f"sqlite:///{path}", max_payload=1000)

    @app.task(name="store")
    def keep(text: str) -> None: ...

    with pytest.raises(EncodingError, match=r"store take 1,\d\d\d bytes and the limit is 1,000"):
        keep.enqueue("x" * 1000)
    assert not path.exists()
    keep.enqueue("x" * 900)
    assert app.client.count() == 1
    app.close()
