"""The command line on Laravel's queues: what works, what is refused in a sentence, and that looking changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from click.testing import CliRunner, Result

from queuemgr.app import App
from queuemgr.dialects.laravel.store import LaravelStore
from queuemgr.job import Job, new_id
from queuemgr.service.cli.main import main

ROOT = Path(__file__).parents[3]
TASK = "App\\Jobs\\Greet"
WORKER = f"""
import os
from queuemgr import App
app = App(os.environ["STORE"])
@app.task(name={TASK!r}, executor="async", attempts=1)
async def greet(n):
    if n == 2:
        raise ValueError("no such number")
"""
Cli = Callable[..., Result]


@pytest.fixture
def cli(url: str) -> Cli:
    return lambda *words: CliRunner().invoke(main, ["--store", url, *words])


@pytest.fixture
def ids(url: str) -> list[str]:
    """Three jobs of ours, one of which is delayed, and one that only Laravel knows."""
    store = LaravelStore(url)
    jobs = [Job(id=new_id(), task=TASK, args=b'[[],{"n":%d}]' % n) for n in (1, 2)]
    jobs += [Job(id=new_id(), task=TASK, args=b'[[],{"n":3}]', delay=600), Job(id=new_id(), task="Other", args=b"[[]]")]
    store.enqueue_now(jobs)
    store._link._direct.close()
    return [job.id for job in jobs]


def listed(cli: Cli, *words: str) -> dict[str, str]:
    """State by id."""
    done = cli("jobs", "list", "--json", *words)
    assert done.exit_code == 0, done.output
    return {job["id"]: job["state"] for job in json.loads(done.output)["jobs"]}


def of_laravel(everything: object) -> dict[bytes, bytes]:
    """Without the audit: whoever asks for a change is written down in keys of ours, whatever came of it."""
    assert isinstance(everything, dict)
    return {key: value for key, value in everything.items() if b"queuemgr:key:queuemgr:audit" not in key}


def work(url: str, folder: Path) -> None:
    (folder / "handlers.py").write_text(WORKER)
    command = [sys.executable, "-m", "queuemgr", "worker", "handlers:app", "--burst"]
    environment = {**os.environ, "STORE": url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_jobs_and_queues_are_listed_and_no_key_changes(
    cli: Cli, ids: list[str], everything: Callable[[], object]
) -> None:
    before = everything()
    assert listed(cli) == dict(zip(ids, ["ready", "ready", "scheduled", "ready"], strict=True))
    for words in (["queues", "list"], ["jobs", "list"], ["jobs", "show", ids[0]], ["queues", "list", "--json"]):
        done = cli(*words)
        assert done.exit_code == 0, done.output
    assert TASK in cli("jobs", "show", ids[0]).output
    assert everything() == before


def test_a_worker_with_python_handlers_runs_its_jobs_and_the_dead_one_is_retried_and_deleted(
    cli: Cli, url: str, ids: list[str], tmp_path: Path
) -> None:
    work(url, tmp_path)
    _, failed, delayed, other = ids
    assert listed(cli) == {failed: "dead", delayed: "scheduled", other: "ready"}
    assert "no such number" in cli("jobs", "show", failed).output
    assert cli("jobs", "retry", failed).exit_code == 0
    assert listed(cli)[failed] == "ready"
    work(url, tmp_path)
    assert listed(cli)[failed] == "dead"
    assert cli("jobs", "delete", "--yes", failed).exit_code == 0
    assert failed not in listed(cli)


def test_a_delayed_job_is_run_now_and_a_waiting_one_cancelled(cli: Cli, ids: list[str]) -> None:
    assert cli("jobs", "retry", ids[2]).exit_code == 0
    assert cli("jobs", "cancel", "--yes", ids[0]).exit_code == 0
    told = listed(cli)
    assert (told[ids[2]], told[ids[0]]) == ("ready", "cancelled")


@pytest.mark.parametrize(
    "words", [["jobs", "hold", "ID"], ["jobs", "release", "ID"], ["queues", "pause", "default"], ["jobs", "logs", "ID"]]
)
def test_what_laravel_has_nothing_for_is_refused_in_a_sentence_and_changes_nothing(
    cli: Cli, ids: list[str], everything: Callable[[], object], words: list[str]
) -> None:
    before = of_laravel(everything())
    done = cli(*(ids[0] if word == "ID" else word for word in words))
    assert done.exit_code != 0
    assert "Laravel" in done.output
    assert of_laravel(everything()) == before


def test_an_app_enqueues_and_a_wrong_prefix_finds_nothing(url: str, cli: Cli) -> None:
    app = App(url)
    job = app.task(name=TASK)(lambda n: None).enqueue(n=1)
    assert listed(cli) == {job.id: "ready"}
    app.close()
    parts = urlsplit(url)
    other = f"laravel+redis://{parts.netloc}/0?prefix=nobody_"
    assert json.loads(CliRunner().invoke(main, ["--store", other, "jobs", "list", "--json"]).output)["jobs"] == []
    with redis.Redis(parts.hostname or "", parts.port or 0) as client:
        assert list(client.scan_iter("nobody_*")) == []
