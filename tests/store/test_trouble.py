"""What the store says when the disk or the file fails it. Nothing here is the store's own fault."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from queuemgr.errors import CorruptStore, JobNotFound, StoreError, StoreUnavailable
from queuemgr.job import State
from queuemgr.recurrence import Every
from queuemgr.schedule import Schedule
from queuemgr.store import Claim, Query
from queuemgr.stores.sqlite import opening
from queuemgr.stores.sqlite.store import SqliteStore
from tests.servers.process import until_async
from tests.store.rig import make_job, run_python, start_python

CLAIM = Claim(worker="w", queues=[("default", 100)], limit=100, tasks=frozenset({"task"}))
NOBODY = 65534

AS_NOBODY = """
    path = Path(sys.argv[1])
    warm = SqliteStore(f"sqlite:///{path.parent}/warm.db")
    warm.enqueue_now([make_job()])
    warm.close_now()
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        SqliteStore(f"sqlite:///{path}").enqueue_now([make_job()])
    except StoreUnavailable as error:
        print(error)
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users of the machine reach, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def filled(path: Path, number: int = 1) -> list[str]:
    store = SqliteStore(f"sqlite:///{path}")
    ids = [done.id for done in store.enqueue_now([make_job() for _ in range(number)])]
    store.close_now()
    return ids


def in_file(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


def test_a_file_that_may_only_be_read_is_told(shared: Path) -> None:
    folder = shared / "open"
    folder.mkdir()
    filled(folder / "jobs.db")
    (folder / "jobs.db-turn").unlink()
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o777)
    told = run_python(AS_NOBODY, folder / "jobs.db")
    assert told.startswith(f"{folder}/jobs.db cannot be")
    assert "permissions" in told


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_may_only_be_read_is_told(shared: Path, there: bool) -> None:
    folder = shared / "closed"
    folder.mkdir()
    if there:
        filled(folder / "jobs.db")
        (folder / "jobs.db").chmod(0o666)
    (folder / "warm.db").touch()
    code = AS_NOBODY.replace("{path.parent}", f"{shared}")
    folder.chmod(0o555)
    told = run_python(code, folder / "jobs.db")
    assert told.startswith(f"{folder}/jobs.db cannot be opened")
    assert "permissions" in told


FILL_THE_DISK = """
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = sys.argv[1]
    store = SqliteStore(f"sqlite:///{path}")
    ids = []
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        for _ in range(1000):
            ids += [done.id for done in store.enqueue_now([make_job(args=bytes(5000)) for _ in range(2)])]
    except StoreUnavailable as error:
        print(error)
    assert asyncio.run(store.count(Query())) == len(ids), "what was acknowledged is there, and no more"
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    ids += [done.id for done in store.enqueue_now([make_job()])]
    assert asyncio.run(store.count(Query(ids=tuple(ids)))) == len(ids)
    store.close_now()
    print(sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()[0])
"""


def test_a_disk_without_room_refuses_jobs_and_goes_on_when_there_is_room_again(path: Path) -> None:
    told, intact = run_python(FILL_THE_DISK, path).splitlines()
    assert told.startswith(f"{path} cannot")
    assert "disk" in told
    assert intact == "ok"


def test_a_full_disk_is_told_and_nothing_of_the_call_is_kept(store: SqliteStore) -> None:
    store.enqueue_now([make_job()])
    writer = store._db._writer
    assert writer is not None
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages + 4}")
    for enqueue in (store.enqueue_now, lambda jobs: asyncio.run(store.enqueue(jobs))):
        with pytest.raises(StoreUnavailable, match=r"the disk is full.*nothing of this call was kept"):
            enqueue([make_job(args=bytes(500)) for _ in range(100)])
    assert asyncio.run(store.count(Query())) == 1
    writer.execute(f"PRAGMA max_page_count = {1 << 30}")
    store.enqueue_now([make_job() for _ in range(100)])
    assert asyncio.run(store.count(Query())) == 101


HOLD_THE_LOCK = """
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    sys.stdin.readline()
    connection.execute("ROLLBACK")
    print("released", flush=True)
"""


def test_a_file_that_another_program_locks_for_too_long_is_told(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 0.1)
    store.enqueue_now([make_job()])
    with start_python(HOLD_THE_LOCK, path) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "locked\n"
        for enqueue in (store.enqueue_now, lambda jobs: asyncio.run(store.enqueue(jobs))):
            with pytest.raises(StoreUnavailable, match="locked by another program"):
                enqueue([make_job()])
        assert asyncio.run(store.count(Query())) == 1
        print("release", file=other.stdin, flush=True)
        assert other.stdout.readline() == "released\n"
        store.enqueue_now([make_job()])
        other.communicate()
    assert asyncio.run(store.count(Query())) == 2


def test_a_lock_that_is_soon_released_is_waited_for(store: SqliteStore, path: Path) -> None:
    store.enqueue_now([make_job()])
    with start_python(HOLD_THE_LOCK, path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"

        async def enqueue_and_release() -> None:
            writer, statements = store._db._writer, list[str]()
            assert writer is not None
            writer.set_trace_callback(statements.append)
            writing = asyncio.create_task(store.enqueue([make_job()]))
            await until_async(lambda: "BEGIN IMMEDIATE" in statements)
            assert not writing.done()
            await asyncio.to_thread(other.communicate, "release\n")
            await writing

        asyncio.run(enqueue_and_release())
    assert asyncio.run(store.count(Query())) == 2


Verb: TypeAlias = Callable[[SqliteStore, str], Coroutine[Any, Any, object]]
VERBS: dict[str, Verb] = {
    "get": lambda store, job_id: store.get(job_id),
    "arguments": lambda store, job_id: store.arguments(job_id),
    "find": lambda store, job_id: store.find(Query(states=(State.READY,)), 1000),
    "count": lambda store, job_id: store.count(Query()),
    "queues": lambda store, job_id: store.queues(),
    "claim": lambda store, job_id: store.claim(CLAIM),
    "enqueue": lambda store, job_id: store.enqueue([make_job() for _ in range(50)]),
    "cancel": lambda store, job_id: store.change("cancel", Query()),
    "wait_finished": lambda store, job_id: store.wait_finished(job_id, 0.0),
}


def trouble_of(verb: Verb, store: SqliteStore, job_id: str) -> Exception | None:
    try:
        asyncio.run(verb(store, job_id))
    except Exception as error:
        return error
    return None


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096)


def overwritten(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        for at in range(2048 * 3, size, 4096):
            file.seek(at)
            file.write(b"\xa5" * 1024)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("damage", [truncated, overwritten])
def test_a_damaged_file_never_brings_a_foreign_error(
    store: SqliteStore, path: Path, damage: Callable[[Path], None], verb: str
) -> None:
    job_id = filled(path, 500)[250]
    damage(path)
    error = trouble_of(VERBS[verb], store, job_id)
    if isinstance(error, CorruptStore):
        assert f"{path} is damaged" in str(error)
        assert "recover" in str(error)
    elif error is not None:
        assert isinstance(error, StoreError)
        assert str(path) in str(error)


@pytest.mark.parametrize("damage", [truncated, overwritten])
def test_a_damaged_file_is_told_as_such(store: SqliteStore, path: Path, damage: Callable[[Path], None]) -> None:
    filled(path, 500)
    damage(path)
    with pytest.raises(CorruptStore, match="is damaged: stop its workers"):
        asyncio.run(store.find(Query(), 1000))


@pytest.mark.parametrize(
    "damage", ["options = 'not json'", "options = '[1]'", "options = '3'", "args = 'text'", "args = 7"]
)
def test_a_damaged_job_is_leased_without_arguments_and_does_not_stop_the_others(
    store: SqliteStore, path: Path, damage: str
) -> None:
    first, second = filled(path, 2)
    in_file(path, f"UPDATE queuemgr_jobs SET {damage} WHERE id = '{first}'")
    damaged, sound = asyncio.run(store.claim(CLAIM)).leases
    assert (damaged.id, damaged.args, damaged.options) == (first, b"", None)
    assert (sound.id, sound.args) == (second, b"[[]]")
    assert asyncio.run(store.get(first)).state is State.RUNNING


@pytest.mark.parametrize("column", ["error", "tags", "options"])
def test_a_damaged_part_of_a_record_is_shown_as_damaged(store: SqliteStore, path: Path, column: str) -> None:
    (job_id,) = filled(path)
    in_file(path, f"UPDATE queuemgr_jobs SET {column} = '{{broken'")
    record = asyncio.run(store.get(job_id))
    assert record == asyncio.run(store.find(Query())).jobs[0]
    if column != "tags":
        assert "damaged" in getattr(record, column)["message"]


def test_a_job_in_a_state_that_there_is_not_is_told_and_can_be_deleted(store: SqliteStore, path: Path) -> None:
    (job_id,) = filled(path)
    in_file(path, "UPDATE queuemgr_jobs SET state = 99")
    with pytest.raises(CorruptStore, match=f"{job_id} is in the state 99"):
        asyncio.run(store.get(job_id))
    assert asyncio.run(store.change("delete", Query(ids=(job_id,)))) == 1


def test_a_damaged_schedule_is_told_by_its_name(store: SqliteStore, path: Path) -> None:
    asyncio.run(store.put_schedule(Schedule(name="nightly", rule=Every(60.0), job=make_job()), 1.0))
    for definition in ("broken", "{}", "[]", '{"kind": "every", "rule": 1, "job": 2}'):
        in_file(path, f"UPDATE queuemgr_schedules SET definition = '{definition}'")
        with pytest.raises(CorruptStore, match="schedule 'nightly' is damaged"):
            asyncio.run(store.schedules())
    assert asyncio.run(store.remove_schedule("nightly"))


def test_a_file_that_was_deleted_under_an_open_store_brings_no_foreign_error(store: SqliteStore, path: Path) -> None:
    store.enqueue_now([make_job()])
    for file in path.parent.iterdir():
        file.unlink()
    troubles = [trouble_of(verb, store, "x") for verb in VERBS.values()]
    assert any(troubles)
    assert all(isinstance(error, (StoreError, JobNotFound)) for error in troubles if error is not None)
