"""`queuemgr jobs wait`, `logs` and `enqueue --wait`, with a real worker beside."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuemgr.job import State

from .conftest import Shop, ask, call, run, start

GATED = """
import pathlib, time
from queuemgr import App, current_job
app = App("sqlite:///gated.db")

@app.task
def gated(gate):
    print("waiting")
    while not pathlib.Path(gate).exists():
        time.sleep(0.01)
    print("half a ", end="")
    print("line")
    return {"gate": gate}
"""


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[str]:
    """The store of an app with a worker; the job ends when the file exists that it is given."""
    (tmp_path / "gated.py").write_text(GATED)
    worker = start("worker", "gated:app", "--log-level", "error", "--grace", "0.1")
    assert worker.stdout is not None
    assert worker.stdout.readline().startswith("queuemgr ")
    yield "sqlite:///gated.db"
    (tmp_path / "gate").touch()
    worker.terminate()
    worker.communicate(timeout=60)


def test_a_result_is_printed_once_the_job_has_ended(gated: str, tmp_path: Path) -> None:
    job = call("enqueue", "gated.gated", "gate", "--store", gated).stdout.strip()
    threading.Timer(0.2, (tmp_path / "gate").touch).start()
    result = call("jobs", "wait", job, "--store", gated, "--timeout", "30")
    assert (result.exit_code, result.stdout) == (0, '{"gate": "gate"}\n')


def test_enqueue_can_wait_for_the_result(gated: str, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    document = ask("enqueue", "gated.gated", "gate", "--wait", "--store", gated)
    assert document.keys() == {"id", "existing", "job", "obstacles", "at", "jobs"}
    assert document["job"]["state"] == "succeeded"
    assert document["job"]["result"] == {"value": {"gate": "gate"}, "size": 15}


def test_the_time_for_waiting_ends(gated: str) -> None:
    job = call("enqueue", "gated.gated", "gate", "--store", gated).stdout.strip()
    result = call("jobs", "wait", job, "--store", gated, "--timeout", "0.1")
    assert (result.exit_code, result.stdout) == (124, "")
    assert "the job goes on" in result.stderr


def test_logs_follow_the_job_until_it_has_ended(gated: str, tmp_path: Path) -> None:
    job = call("enqueue", "gated.gated", "gate", "--store", gated).stdout.strip()
    threading.Timer(0.2, (tmp_path / "gate").touch).start()
    done = run("jobs", "logs", job, "-f", "--store", gated)
    assert (done.returncode, done.stdout) == (0, "waiting\nhalf a line\n")
    assert call("jobs", "logs", job, "--store", gated).stdout == done.stdout


def test_show_with_watch_ends_with_the_job(gated: str, tmp_path: Path) -> None:
    job = call("enqueue", "gated.gated", "gate", "--store", gated).stdout.strip()
    with start("jobs", "show", job, "--watch", "0.1", "--json", "--store", gated) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["job"]["finished_at"] is None
        (tmp_path / "gate").touch()
        last = watching.communicate(timeout=60)[0].splitlines()[-1]
    assert json.loads(last)["job"]["state"] == "succeeded"
    assert watching.returncode == 0


def test_a_job_that_did_not_succeed_is_a_failure(shop: Shop) -> None:
    dead = shop.die()
    good = shop.task("add").enqueue(1, 2)
    shop.work()
    result = call("jobs", "wait", good.id, dead, "--store", shop.url)
    assert (result.exit_code, result.stdout) == (1, "3\n")
    assert f"job {dead} ({shop.module}.send_mail) is dead: ValueError: 'nobody' is no address" in result.stderr
    document = ask("jobs", "wait", good.id, dead, "--store", shop.url, code=1)
    assert [job["state"] for job in document["jobs"]] == ["succeeded", "dead"]


def test_waiting_for_a_job_that_is_not_there_is_not_found(shop: Shop) -> None:
    shop.app.client.count()
    assert call("jobs", "wait", "nope", "--store", shop.url).exit_code == 3


def test_the_wait_in_a_terminal_shows_the_job_and_takes_it_away(
    gated: str, tmp_path: Path, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    job = call("enqueue", "gated.gated", "gate", "--store", gated, "--json")
    threading.Timer(0.4, (tmp_path / "gate").touch).start()
    result = call("jobs", "wait", json.loads(job.stdout)["id"], "--store", gated)
    assert result.exit_code == 0
    assert "gated.gated" in result.stderr
    assert "succeeded in" in result.stdout


def test_logs_of_one_attempt_with_their_times_and_streams(shop: Shop) -> None:
    job = shop.task("send_mail").enqueue("a@b.c")
    shop.work()
    text = call("jobs", "logs", job.id, "--times", "--store", shop.url).stdout
    assert [line.split(" ", 1)[1] for line in text.splitlines()] == [
        "stdout to a@b.c: Hello",
        "log    WARNING shop: sent",
    ]
    assert call("jobs", "logs", job.id, "--attempt", "2", "--store", shop.url).stdout == ""


def test_logs_in_json_are_one_object_for_each_line(shop: Shop) -> None:
    job = shop.task("send_mail").enqueue("a@b.c")
    shop.work()
    lines = [
        json.loads(line) for line in call("jobs", "logs", job.id, "--json", "--store", shop.url).stdout.splitlines()
    ]
    assert [line["text"] for line in lines] == ["to a@b.c: Hello", "WARNING shop: sent"]
    assert lines[0].keys() == {"position", "attempt", "at", "stream", "text"}


def test_a_job_without_output_says_why(shop: Shop) -> None:
    job = shop.task("add").enqueue(1, 2)
    assert "it has not run yet" in call("jobs", "logs", job.id, "--store", shop.url).stderr
    shop.work()
    assert "printed and logged nothing" in call("jobs", "logs", job.id, "--store", shop.url).stderr
    assert job.look().state is State.SUCCEEDED
