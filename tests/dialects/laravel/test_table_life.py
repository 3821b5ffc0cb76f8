"""What is special to Laravel's tables: real captures, bulk and chains of PHP's, killed workers, what is put away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from queuemgr.app import open_store
from queuemgr.dialects.laravel.format import Laravel
from queuemgr.errors import ConfigError, StoreError, StoreUnavailable
from queuemgr.job import Job, State, new_id
from queuemgr.service.cli.main import main
from queuemgr.store import Claim, Query, Settlement
from queuemgr.testing.contract.stage import FAILED, SUCCEEDED
from tests.servers.process import until

from .tables import TableApplication
from .test_crashes import POINTS, lines, worker

ROOT = Path(__file__).parents[3]
CAPTURES = Path(__file__).parent / "captures" / "tables"
TASK = "App\\Jobs\\Greet"
JOBS = 6
IN_DOUBT = ("claim.updated", "run.after", "settle.updated")


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def tables(request: pytest.FixtureRequest) -> TableApplication:
    application: TableApplication = request.getfixturevalue(f"{request.param}_tables")
    return application


async def send(url: str, number: int, **fields: Any) -> list[str]:
    store = open_store(url)
    jobs = [Job(id=new_id(), task=TASK, args=b'[[],{"n":%d}]' % n, **fields) for n in range(number)]
    await store.enqueue(jobs)
    await store.close()
    return [job.id for job in jobs]


async def end_one(url: str, verdict: Any) -> str:
    """Claim the first job and end it so; its id."""
    store = open_store(url)
    claim = Claim(worker="w", queues=(("default", 1),), limit=1, tasks=frozenset({TASK}))
    (lease,) = (await store.claim(claim)).leases
    error = {"type": "builtins.ValueError", "message": "no", "traceback": "Traceback:\n  here\n"}
    ended = Settlement(lease, "w", verdict, store.clock.now(), error=None if verdict is SUCCEEDED else error)
    assert await store.settle([ended]) == [True]
    await store.close()
    return lease.id


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.json")), ids=lambda path: path.stem)
def test_a_row_of_laravels_is_read_as_it_was_meant_and_comes_back_byte_for_byte(path: Path) -> None:
    dialect = Laravel(table=True)
    for row in json.loads(path.read_text()):
        record = row["payload"].encode()
        assert dialect.read(record, 1.8e9).names[0] == row["task"]
        assert dialect.open(record).args == row["args"].encode()
        assert dialect.restate(record, 5) == record


def test_what_is_written_here_has_the_fields_of_a_row_of_laravels() -> None:
    ours = Laravel(table=True).write(Job(id=new_id(), task=TASK, args=b'[[],{"n":1}]'), 1.8e9)
    (path,) = CAPTURES.glob("*.json")
    theirs = json.loads(json.loads(path.read_text())[0]["payload"])
    assert list(json.loads(ours)) == list(theirs)


def test_jobs_that_laravel_sends_in_bulk_are_leased_in_order_with_their_exact_bytes_left(
    tables: TableApplication,
) -> None:
    tables.tell("bulk", json.dumps([{"n": n, "name": "é"} for n in range(20)]))
    before = tables.query("SELECT id, payload FROM jobs ORDER BY id")

    async def play() -> list[bytes]:
        store = open_store(tables.url)
        claim = Claim(worker="w", queues=(("default", 50),), limit=50, tasks=frozenset({TASK}))
        leases = (await store.claim(claim)).leases
        await store.close()
        return [lease.args for lease in leases]

    assert [json.loads(args)[1]["n"] for args in asyncio.run(play())] == list(range(20))
    assert tables.query("SELECT id, payload FROM jobs ORDER BY id") == before
    assert tables.query("SELECT COUNT(*) FROM jobs WHERE reserved_at IS NOT NULL AND attempts = 0") == [(20,)]


def test_a_chain_of_laravels_goes_on_in_laravel_after_its_first_job_ran_here(tables: TableApplication) -> None:
    tables.tell("chain", "3")
    asyncio.run(end_one(tables.url, SUCCEEDED))
    assert [ran["n"] for ran in tables.work()] == [2, 3]


def test_the_lock_of_a_unique_job_is_freed_where_laravels_cache_is_in_the_database(tables: TableApplication) -> None:
    tables.tell("unique", '"a"')
    assert tables.query("SELECT COUNT(*) FROM cache_locks") == [(1,)]

    async def play() -> bool:
        store = open_store(tables.url)
        tasks = frozenset({"App\\Jobs\\Alone"})
        (lease,) = (await store.claim(Claim(worker="w", queues=(("default", 1),), limit=1, tasks=tasks))).leases
        (done,) = await store.settle([Settlement(lease, "w", SUCCEEDED, store.clock.now())])
        await store.close()
        return done

    assert asyncio.run(play())
    assert tables.query("SELECT COUNT(*) FROM cache_locks") == [(0,)]


@pytest.mark.crash
@pytest.mark.parametrize(
    ("tables", "point"),
    [*((kind, point) for kind in ("sqlite", "postgres") for point in POINTS), *(("mariadb", one) for one in IN_DOUBT)],
    indirect=["tables"],
)
def test_a_worker_that_is_killed_loses_no_job_of_the_table(
    tables: TableApplication, tmp_path: Path, point: str
) -> None:
    file = tmp_path / "ran"
    asyncio.run(send(tables.url, JOBS))
    with worker(tables.url, file, QUEUEMGR_DIE_AT=point) as first:
        assert first.wait(60) == -signal.SIGKILL
    with worker(tables.url, file) as second:
        assert second.wait(60) == 0
    ended = Counter({n: lines(file)[f"ended {n}"] for n in range(JOBS)})
    assert min(ended.values()) == 1
    # While the ends of two jobs are on their way to the table, two more may run; after a commit one at least is there.
    assert sum(ended.values()) - JOBS <= {**POINTS, "settle.updated": 4, "settle.committed": 3}[point]
    assert max(ended.values()) <= 2
    assert tables.query("SELECT COUNT(*) FROM jobs") == [(0,)]


def test_poison_in_the_table_ends_among_the_failed_with_its_bytes_and_stops_nobody(tables: TableApplication) -> None:
    poison = ['{"job":', "[]", '{"job":1,"data":{}}', "x" * 3000]
    for text in poison:
        tables.query(
            "INSERT INTO jobs (queue, payload, attempts, available_at, created_at) "
            f"VALUES ('default', '{text}', 0, 1, 1)"
        )
    asyncio.run(send(tables.url, 1))
    asyncio.run(end_one(f"{tables.url}{'&' if '?' in tables.url else '?'}max_payload=2000", SUCCEEDED))
    assert tables.query("SELECT COUNT(*) FROM jobs") == [(0,)]
    assert sorted(payload for (payload,) in tables.query("SELECT payload FROM failed_jobs")) == sorted(poison)


def test_what_ends_dead_here_is_listed_and_retried_by_laravels_own_command(tables: TableApplication) -> None:
    (job_id,) = asyncio.run(send(tables.url, 1))
    asyncio.run(end_one(tables.url, FAILED))
    (failed,) = [json.loads(line) for line in tables.tell("failed").splitlines()]
    assert (failed["id"], failed["connection"], failed["queue"]) == (job_id, "database", "default")
    assert failed["exception"].startswith("builtins.ValueError: no\nTraceback:\n  here")
    tables.tell("retry", job_id)
    (ran,) = tables.work()
    assert (ran["n"], ran["attempt"]) == (0, 1)
    assert tables.tell("failed") == ""


def test_what_laravels_worker_failed_is_listed_retried_and_forgotten_here(tables: TableApplication) -> None:
    for _ in range(2):
        tables.send({"name": "fail", "n": 7})
    assert [ran["failed"] for ran in tables.work()] == ["no such name"] * 2

    def cli(*words: str) -> str:
        done = CliRunner().invoke(main, ["--store", tables.url, *words])
        assert done.exit_code == 0, done.output
        return done.output

    first, second = json.loads(cli("jobs", "list", "--json"))["jobs"]
    assert (first["state"], first["task"]) == ("dead", TASK)
    assert "no such name" in cli("jobs", "show", first["id"])
    cli("jobs", "retry", first["id"])
    cli("jobs", "delete", "--yes", second["id"])
    assert [job["state"] for job in json.loads(cli("jobs", "list", "--json"))["jobs"]] == ["ready"]
    assert [ran["failed"] for ran in tables.work()] == ["no such name"]


def test_without_laravels_tables_the_store_says_what_to_do(tmp_path: Path) -> None:
    async def opened(url: str) -> None:
        store = open_store(url)
        try:
            await store.count(Query())
        finally:
            await store.close()

    empty = tmp_path / "empty.sqlite"
    with pytest.raises(StoreUnavailable, match="there is no file"):
        asyncio.run(opened(f"laravel+sqlite:///{empty}"))
    assert not empty.exists()
    empty.touch()
    with pytest.raises(StoreError, match="queue:table"):
        asyncio.run(opened(f"laravel+sqlite:///{empty}"))
    with pytest.raises(ConfigError, match="retry_after"):
        open_store(f"laravel+sqlite:///{empty}?retry_aftr=1")


@pytest.mark.parametrize("tables", ["postgres", "mariadb"], indirect=True)
def test_a_commit_whose_answer_was_lost_is_found_out_and_not_made_twice(tables: TableApplication) -> None:
    store = open_store(tables.url)
    kind = store._database.kind  # type: ignore[attr-defined]
    execute, broken = kind.execute, []

    def break_after_commit(connection: Any, sql: str, values: Any) -> Any:
        done = execute(connection, sql, values)
        if sql == "COMMIT" and not broken:
            broken.append(sql)
            connection.close()
            return execute(connection, "SELECT 1", ())
        return done

    kind.execute = break_after_commit
    store.enqueue_now([Job(id=new_id(), task=TASK, args=b"[[]]")])  # type: ignore[attr-defined]
    store._database.close()  # type: ignore[attr-defined]
    assert broken
    assert tables.query("SELECT COUNT(*) FROM jobs") == [(1,)]


def test_our_worker_ends_when_laravel_tells_its_workers_to_restart(tables: TableApplication, tmp_path: Path) -> None:
    (tmp_path / "handlers.py").write_text(
        f"from queuemgr import App\napp = App({tables.url + ('&' if '?' in tables.url else '?') + 'restart=yes'!r})\n"
        f"@app.task(name={TASK!r})\ndef greet(**_):\n    open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    )
    command = [sys.executable, "-m", "queuemgr", "worker", "handlers:app"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)
    try:
        asyncio.run(send(tables.url, 1))
        until(lambda: (tmp_path / "ran").exists() or process.poll() is not None)
        assert process.poll() is None
        tables.tell("restart")
        assert process.wait(40) == 0
    finally:
        process.kill()
        process.wait()


def test_a_running_job_is_told_with_its_worker(tables: TableApplication) -> None:
    (job_id,) = asyncio.run(send(tables.url, 1))

    async def play() -> tuple[State, str | None]:
        store = open_store(tables.url)
        await store.claim(Claim(worker="w", queues=(("default", 1),), limit=1, tasks=frozenset({TASK})))
        record = await store.get(job_id)
        await store.close()
        return record.state, record.worker

    assert asyncio.run(play()) == (State.RUNNING, "w")


@pytest.mark.parametrize("tables", ["postgres", "mariadb"], indirect=True)
def test_many_workers_of_both_kinds_run_every_job_of_the_table_once(tables: TableApplication, tmp_path: Path) -> None:
    url = tables.url
    asyncio.run(send(url, 100))
    tables.tell("bulk", json.dumps([{"n": n, "name": "x", "opts": []} for n in range(100, 200)]))
    files = [tmp_path / f"ran {number}" for number in range(2)]
    with ExitStack() as stack:
        ours = [stack.enter_context(worker(url, file, 0.01)) for file in files]
        pool = stack.enter_context(ThreadPoolExecutor(2))
        theirs = [ran["n"] for done in [pool.submit(tables.work) for _ in range(2)] for ran in done.result()]
        assert [one.wait(60) for one in ours] == [0, 0]
    ended = sum((lines(file) for file in files), Counter(f"ended {n}" for n in theirs))
    assert {n: ended[f"ended {n}"] for n in range(200)} == dict.fromkeys(range(200), 1)
    assert tables.query("SELECT COUNT(*) FROM jobs") == [(0,)]
    assert tables.query("SELECT COUNT(*) FROM queuemgr_holds") == [(0,)]
