"""Queues in Redis with Laravel's table of failed jobs beside them, the restart signal, and answers that are lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from queuemgr.dialects.laravel.store import LaravelStore
from queuemgr.errors import JobNotFound, StoreUnavailable
from queuemgr.job import Job, State, Unique, new_id
from queuemgr.service.cli.main import main
from queuemgr.store import Query
from queuemgr.testing.contract.stage import FAILED
from tests.servers.process import until

from .application import Application
from .tables import TableApplication
from .test_table_life import end_one, send

ROOT = Path(__file__).parents[3]
TASK = "App\\Jobs\\Greet"


def test_a_redis_that_is_not_there_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    store = LaravelStore(f"laravel+redis://127.0.0.1:{port}/0")
    with pytest.raises(StoreUnavailable) as refused:
        store.enqueue_now([Job(id=new_id(), task=TASK, args=b"[[]]")])
    assert str(refused.value).startswith("Redis cannot be reached (")
    assert str(refused.value).endswith("refused): is the server running, and the address right? Then try again")


class Both(Application):
    """Jobs in Redis, failures in a database."""

    beside: TableApplication

    def environment(self) -> dict[str, str]:
        there = self.beside.environment()
        told = {name: there[name] for name in there if name.startswith("DATABASE")}
        return {**Application.environment(self), **told}


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def both(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Both:
    beside: TableApplication = request.getfixturevalue(f"{request.param}_tables")
    failed = beside.url.removeprefix("laravel+")
    application = Both(f"{url}&failed={quote(failed, safe='')}", tmp_path)
    application.beside = beside
    return application


def test_what_ends_dead_goes_to_laravels_table_and_its_own_command_sends_it_again(both: Both) -> None:
    (job_id,) = asyncio.run(send(both.url, 1))
    asyncio.run(end_one(both.url, FAILED))
    (failed,) = [json.loads(line) for line in both.tell("failed").splitlines()]
    assert (failed["id"], failed["connection"], failed["queue"]) == (job_id, "redis", "default")
    assert failed["exception"].startswith("builtins.ValueError: no\nTraceback:\n  here")
    with both.redis as client:
        assert not client.keys(f"{both.keys.prefix}*:dead")
    both.tell("retry", job_id)
    (ran,) = both.work()
    assert (ran["n"], ran["attempt"]) == (0, 1)


def test_what_laravels_worker_failed_is_listed_retried_and_forgotten_here(both: Both) -> None:
    for _ in range(3):
        both.send({"name": "fail", "n": 7})
    assert [ran["failed"] for ran in both.work()] == ["no such name"] * 3

    def cli(*words: str) -> Any:
        done = CliRunner().invoke(main, ["--store", both.url, *words])
        assert done.exit_code == 0, done.output
        return json.loads(done.output) if "--json" in words else done.output

    jobs = cli("jobs", "list", "--json")["jobs"]
    assert [job["state"] for job in jobs] == ["dead"] * 3
    assert "no such name" in cli("jobs", "show", jobs[0]["id"])
    assert "3" in cli("queues", "list")
    page = cli("jobs", "list", "--json", "--limit", "2")
    rest = cli("jobs", "list", "--json", "--limit", "2", "--after", page["after"])
    assert [job["id"] for job in page["jobs"] + rest["jobs"]] == [job["id"] for job in jobs]
    cli("jobs", "retry", jobs[0]["id"])
    cli("jobs", "delete", "--yes", jobs[1]["id"])
    told = {job["id"]: job["state"] for job in cli("jobs", "list", "--json")["jobs"]}
    assert told == {jobs[0]["id"]: "ready", jobs[2]["id"]: "dead"}
    assert [ran["failed"] for ran in both.work()] == ["no such name"]


def test_dead_jobs_stay_in_redis_while_the_database_is_away_and_move_later(
    url: str, sqlite_tables: TableApplication
) -> None:
    assert sqlite_tables.file is not None
    away = sqlite_tables.file.with_suffix(".away")
    sqlite_tables.file.rename(away)
    url = f"{url}&failed={quote(sqlite_tables.url.removeprefix('laravel+'), safe='')}"
    (job_id,) = asyncio.run(send(url, 1))
    asyncio.run(end_one(url, FAILED))
    away.rename(sqlite_tables.file)
    assert sqlite_tables.query("SELECT COUNT(*) FROM failed_jobs") == [(0,)]

    async def play() -> State:
        store = LaravelStore(url)
        assert await store.count(Query(states=(State.DEAD,))) == 1
        await store.prune()
        assert await store.count(Query(states=(State.DEAD,))) == 1
        state = (await store.get(job_id)).state
        with pytest.raises(JobNotFound):
            await store.get("nobody")
        await store.close()
        return state

    assert asyncio.run(play()) is State.DEAD
    assert sqlite_tables.query("SELECT uuid FROM failed_jobs") == [(job_id,)]


def test_our_worker_ends_when_laravel_tells_its_workers_to_restart(url: str, tmp_path: Path, peer: Application) -> None:
    (tmp_path / "handlers.py").write_text(
        f"from queuemgr import App\napp = App({f'{url}&restart=yes'!r})\n"
        f"@app.task(name={TASK!r})\ndef greet(**_):\n    open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    )
    command = [sys.executable, "-m", "queuemgr", "worker", "handlers:app"]
    process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        asyncio.run(send(url, 1))
        until(lambda: (tmp_path / "ran").exists() or process.poll() is not None)
        assert process.poll() is None
        peer.tell("restart")
        assert process.wait(40) == 0
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("direct", [False, True])
def test_a_call_whose_answer_was_lost_is_made_again_and_sends_nothing_twice(url: str, direct: bool) -> None:
    store = LaravelStore(url)
    lost: list[str] = []
    run, run_now = store._link.run, store._link.run_now

    async def losing(script: str, *given: Any) -> Any:
        answer = await run(script, *given)
        if script == "enqueue" and not lost:
            lost.append(script)
            raise StoreUnavailable("the answer was lost")
        return answer

    def losing_now(script: str, *given: Any) -> Any:
        answer = run_now(script, *given)
        if not lost:
            lost.append(script)
            raise StoreUnavailable("the answer was lost")
        return answer

    store._link.run, store._link.run_now = losing, losing_now  # type: ignore[method-assign]
    unique = Unique("one", on_conflict="reject")
    jobs = [Job(id=new_id(), task=TASK, args=b"[[]]"), Job(id=new_id(), task=TASK, args=b"[[]]", unique=unique)]

    async def play() -> int:
        sent = store.enqueue_now(jobs) if direct else await store.enqueue(jobs)
        assert [(one.id, one.existing) for one in sent] == [(job.id, False) for job in jobs]
        number = await store.count(Query())
        await store.close()
        return number

    assert asyncio.run(play()) == 2
    assert lost == ["enqueue"]
