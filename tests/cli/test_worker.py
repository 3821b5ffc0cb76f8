"""`queuemgr worker`: its start, its end, and what is wrong before it begins."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.servers.process import until

from .conftest import Shop, call, run, start


def test_a_burst_runs_what_is_ready_and_ends(shop: Shop) -> None:
    job = shop.task("add").enqueue(1, 2)
    done = run("worker", shop.path, "--burst")
    assert done.returncode == 0
    assert job.result(0) == 3


def test_it_says_once_what_it_is_about_to_do(shop: Shop) -> None:
    done = run("worker", shop.path, "--burst", "-p", "2", "-c", "3", "-q", "mail=2", "-q", "default")
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])
    assert told["app"] == shop.path
    assert told["store"] == shop.url
    assert told["queues"] == "mail (weight 2), default"
    assert f"{shop.module}.add" in told["tasks"]
    assert told["processes"] == "2, each up to 3 jobs at once"
    assert "Ctrl-C" in told["until"]
    assert done.stderr.count("is ready") == 2


def test_its_start_and_its_log_can_be_json(shop: Shop) -> None:
    done = run("worker", shop.path, "--burst", "--json")
    facts = json.loads(done.stdout)
    assert facts.keys() == {
        *("app", "store", "queues", "unused_queues", "tasks", "schedules", "processes", "pid", "concurrency"),
        *("grace", "burst", "name"),
    }
    assert facts["queues"] == {"default": 1, "mail": 1}
    for line in done.stderr.splitlines():
        assert json.loads(line).keys() >= {"at", "level", "logger", "pid", "message"}


def test_it_stops_when_it_is_told_to(shop: Shop) -> None:
    with start("worker", shop.path) as worker:
        until(shop.app.client.workers)  # it joins once it listens to signals
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    assert worker.returncode == 0


def test_the_environment_may_name_the_app(shop: Shop) -> None:
    assert run("worker", "--burst", environment={"QUEUEMGR_APP": shop.path}).returncode == 0
    assert run("--app", shop.path, "worker", "--burst").returncode == 0


def test_without_an_app_it_says_how_to_name_one() -> None:
    result = call("worker")
    assert result.exit_code == 2
    assert "queuemgr worker MODULE:APP" in result.stderr


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1 / 0", "ZeroDivisionError"),
        ("import os; os._exit(7)", "with code 7"),
        ("from queuemgr import App\nap = App('sqlite:///x.db')", "did you mean 'ap'?"),
    ],
)
def test_an_app_that_cannot_be_used_is_told_before_any_worker_starts(tmp_path: Path, code: str, told: str) -> None:
    (tmp_path / "broken.py").write_text(code)
    done = run("worker", "broken:app")
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_store_that_cannot_be_used_is_told_before_any_worker_starts(tmp_path: Path) -> None:
    (tmp_path / "lost.py").write_text("from queuemgr import App\napp = App('sqlite:///no/such/folder/x.db')")
    done = run("worker", "lost:app")
    assert done.returncode == 5
    assert "no/such/folder" in done.stderr


def test_what_the_app_prints_comes_once(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("from queuemgr import App\nprint('welcome')\napp = App('sqlite:///x.db')")
    assert run("worker", "loud:app", "--burst").stdout.count("welcome") == 1


def test_a_queue_that_no_task_names_is_pointed_out(shop: Shop) -> None:
    done = run("worker", shop.path, "--burst", "-q", "mial")
    assert done.returncode == 0
    assert "no task of this app names queue 'mial'" in done.stderr


@pytest.mark.parametrize("queue", ["mail=0", "mail=x", "=2"])
def test_a_weight_is_a_number_above_zero(shop: Shop, queue: str) -> None:
    result = call("worker", shop.path, "-q", queue)
    assert result.exit_code == 2
    assert "name=weight" in result.stderr
