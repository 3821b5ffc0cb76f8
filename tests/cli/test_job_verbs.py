"""`queuemgr job`: the service's jobs from the command line, asked of a real service."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from queuemgr.service.cli import QueueManagerCLI
from queuemgr.service.cli.views.service import added_page
from tests.host.rig import JOBS, Service, until

from .conftest import ROOT, ask, call, environ
from .test_terminal import in_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "queuemgr.service.cli"]
SETTINGS = {"job_allowed": ["*"], "job_path": [str(ROOT)], "stop_notice": 0.3, "stop_grace": 1.0}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for the whole file: its tests use ids of their own."""
    made = Service(tmp_path_factory.mktemp("service"))
    settings = [f"{name} = {json.dumps(value)}" for name, value in SETTINGS.items()]
    places = [f'registry_path = "{made.config.registry}"', f'proc_dir = "{made.config.proc_dir}"']
    config = made.folder / "queuemgr.toml"
    config.write_text("\n".join([*places, *settings]))
    # A daemon, whose processes are nobody's children: they live longer than a test.
    subprocess.run([*COMMAND, "service", "start", "--config", config], env=environ(), check=True)
    yield made
    subprocess.run([*COMMAND, "service", "stop", "--config", config], env=environ(), check=True)


@pytest.fixture
def service(shared: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("QUEUEMGR_PROC_DIR", shared.config.proc_dir)
    return shared


def test_a_job_is_added_started_waited_for_and_shown(service: Service) -> None:
    assert call("job", "add", f"{JOBS}.Echo", "first", '{"x": [1, 2]}').stdout == "first\n"
    assert ask("job", "status", "first")["status"] == "PENDING"
    assert ask("job", "start", "first") == {"job_id": "first", "status": "PENDING"}
    assert ask("job", "wait", "first")["result"] == {"x": [1, 2]}
    shown = call("job", "status", "first").stdout
    assert "COMPLETED" in shown
    assert '{"x": [1, 2]}' in shown
    assert "first" in [job["job_id"] for job in ask("job", "list", "--status", "completed")["jobs"]]


def test_start_may_be_asked_for_at_once_and_options_reach_the_job(service: Service) -> None:
    call(
        "job",
        "add",
        f"{JOBS}.Sleeping",
        "late",
        json.dumps({"note": str(service.note("late"))}),
        "--start",
        "--timeout",
        "0.2",
    )
    result = call("job", "wait", "late")
    assert result.exit_code == 1
    assert "ERROR" in result.stdout


def test_waiting_may_be_given_up(service: Service) -> None:
    call("job", "add", f"{JOBS}.Nothing", "never", "{}")
    assert call("job", "wait", "never", "--timeout", "0.05").exit_code == 124


def test_a_running_job_is_suspended_resumed_inspected_stopped_and_run_again(service: Service) -> None:
    params = json.dumps({"note": str(service.note("sleeping"))})
    call("job", "add", f"{JOBS}.Sleeping", "s", params, "--start")
    pid = service.began("sleeping")
    assert ask("job", "inspect", "s")["pid"] == pid
    shown = call("job", "inspect", "s").stdout
    assert str(pid) in shown
    assert "jobs_for_tests.py" in shown
    assert ask("job", "suspend", "s")["suspended"] is True
    assert "RUNNING, suspended" in call("job", "list").stdout
    assert ask("job", "resume", "s")["suspended"] is False
    assert ask("job", "stop", "s", "--notice", "0", "--grace", "5")["status"] == "STOPPED"
    assert call("job", "start", "s").exit_code == 4
    assert ask("job", "restart", "s")["status"] == "PENDING"
    service.began("sleeping")
    assert ask("job", "delete", "s", "--force")["status"] == "DELETED"
    assert call("job", "add", f"{JOBS}.Nothing", "s").exit_code == 4
    assert ask("job", "purge", "s")["purged"] is True
    assert call("job", "add", f"{JOBS}.Nothing", "s").exit_code == 0


def test_a_job_class_runs_on_a_schedule(service: Service) -> None:
    store = ["--store", ask("service", "status")["store"]]
    params = ["--kw", 'params={"x": 7}', "--queue", "jobs"]
    assert call("schedules", "add", "tick", "every 0.2s", f"{JOBS}.Reporting", *params, *store).exit_code == 0
    try:
        ended = until(lambda: [job for job in _listed("COMPLETED") if job["job_type"] == "Reporting"])
    finally:
        call("schedules", "remove", "tick", *store)
    assert ended[0]["result"]["x"] == 7
    assert ask("job", "status", ended[0]["job_id"])["status"] == "COMPLETED"


def _listed(status: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask("job", "list", "--status", status)["jobs"]
    return found


def test_an_older_registry_is_taken_over_by_one_command(service: Service) -> None:
    older = service.folder / "older.jsonl"
    done = {"job_id": "old-done", "status": 2, "progress": 100, "result": {"n": 1}, "updated_at": "2026-11-01T10:01:00"}
    gone = {"job_id": "old-gone", "status": 5, "updated_at": "2026-11-01T10:01:00"}
    older.write_text(f"{json.dumps(done)}\n{json.dumps(gone)}\n5\n")
    told = ask("service", "import", str(older))
    assert told == {"file": str(older), "found": 2, "imported": 2, "passed_over": 1}
    again = call("service", "import", str(older))
    assert "0 jobs taken over" in again.stdout
    assert ask("job", "status", "old-done")["result"] == {"n": 1}
    shown = call("job", "list")
    assert shown.exit_code == 0
    assert "old-gone" in shown.stdout
    assert "DELETED" in call("job", "status", "old-gone").stdout
    assert call("service", "import", str(service.folder)).exit_code == 1


def test_commands_to_go_on_with_can_be_typed_as_they_are() -> None:
    commands = [block.command for block in added_page({"job_id": "a b", "started": False}).blocks[1:]]
    assert commands == ["queuemgr job start 'a b'"]


def test_a_page_beyond_the_end_says_so(service: Service) -> None:
    call("job", "add", f"{JOBS}.Echo", "short", json.dumps({"rows": list(range(200))}), "--start")
    call("job", "wait", "short")
    beyond = call("job", "status", "short", "--at", "rows", "--offset", "500")
    assert "there is no item 500 of 200" in beyond.stderr


def test_a_job_is_stopped_on_the_monitors_screen(service: Service) -> None:
    params = json.dumps({"note": str(service.note("seen"))})
    call("job", "add", f"{JOBS}.Sleeping", "seen", params, "--start")
    service.began("seen")
    words = ["monitor", "--every", "0.1", "--store", ask("service", "status")["store"]]
    code, _ = in_terminal(words, 100, keys=b"ssq", until=b"> tests.host")
    assert code == 0
    assert ask("job", "wait", "seen", "--timeout", "30", code=1)["status"] == "STOPPED"
    assert service.note("seen").read_text().splitlines()[-1] == "on_stop"


def test_what_a_job_printed_is_shown_by_streams(service: Service) -> None:
    call("job", "add", f"{JOBS}.Printing", "p", "--start")
    call("job", "wait", "p")
    assert set(call("job", "logs", "p").stdout.split("\n")) >= {"to stdout", "to stderr", "from a child"}
    assert ask("job", "logs", "p", "--stream", "stderr") == {"stderr": ["to stderr"]}


def test_a_large_result_is_shown_by_its_size_and_by_pages(service: Service) -> None:
    call("job", "add", f"{JOBS}.Echo", "large", json.dumps({"rows": list(range(20_000)), "few": 1}), "--start")
    call("job", "wait", "large")
    seen = ask("job", "status", "large")
    assert (seen["status"], seen["result"]["lists"]) == ("COMPLETED", {"rows": 20_000})
    assert seen["result"]["size"] == seen["result_size"] > 100_000
    shown = call("job", "status", "large").stdout
    assert f"({seen['result_size']:,} bytes)" in shown
    assert len(shown) < 5000
    assert ask("job", "status", "large", "--page", "3", "--limit", "2")["items"] == [4, 5]
    assert ask("job", "status", "large", "--offset", "-2")["items"] == [19_998, 19_999]
    assert call("job", "status", "large", "--page", "1", "--at", "few").exit_code == 1
    assert call("job", "status", "large", "--page", "2", "--limit", "2").stdout == "2\n3\n"
    assert len(ask("job", "status", "large", "--whole")["result"]["rows"]) == 20_000
    assert call("job", "status", "large", "--page", "1", "--offset", "1").exit_code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["status", "nobody"], 3, "no job has the id 'nobody'"),
        (["status", "nobody", "--page", "1"], 3, "no job has the id 'nobody'"),
        (["add", f"{JOBS}.Ehco", "x"], 3, "did you mean 'Echo'?"),
        (["add", "no.such.Class", "x"], 3, "no module 'no.such' is found"),
        (["add", f"{JOBS}.Echo", "x", "{x}"], 2, "the parameters are no JSON"),
        (["add", f"{JOBS}.Echo", "x", "[1]"], 2, "no JSON object"),
        (["list", "--status", "finished"], 2, "'finished' is no status"),
        (["inspect", "nobody"], 3, "no job has the id 'nobody'"),
        (["start"], 2, "the job's id is missing"),
        (["add"], 2, "the job class is missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_told_with_a_code(service: Service, words: list[str], code: int, said: str) -> None:
    result = call("job", *words)
    assert result.exit_code == code
    assert said in result.stderr
    assert json.loads(call("job", *words, "--json").stderr)["error"]["message"] in result.stderr


def test_a_person_is_asked_for_what_is_missing(service: Service, terminal: None) -> None:
    result = call("job", "add", input=f'{JOBS}.Echo\nasked\n{{"x": 1}}\n')
    assert result.exit_code == 0, result.output
    assert "Enter job class: " in result.stderr
    assert "Enter job ID: " in result.stderr
    assert "Enter job parameters (JSON): " in result.stderr
    assert call("job", "start", input="asked\n").exit_code == 0
    assert call("job", "wait", "asked").exit_code == 0
    result = call("job", "delete", input="asked\ny\n")
    assert "Force delete? (y/N): " in result.stderr
    assert ask("job", "status", "asked")["status"] == "DELETED"


def test_with_everything_given_nobody_is_asked(service: Service, terminal: None) -> None:
    assert call("job", "add", f"{JOBS}.Nothing", "given").stderr == ""
    result = call("job", "delete", "given")
    assert (result.exit_code, result.stderr) == (0, "")


def test_without_a_service_there_is_a_code_and_a_next_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("QUEUEMGR_PROC_DIR", str(tmp_path / "nowhere"))
    result = call("job", "list")
    assert result.exit_code == 5
    assert "queuemgr-cli service start" in result.stderr
    assert call("job", "list", "--proc-dir", str(tmp_path), "--json").exit_code == 5


def test_the_folder_of_the_service_may_be_an_option(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUEUEMGR_PROC_DIR")
    assert "jobs" in ask("job", "list", "--proc-dir", service.config.proc_dir)


def test_the_monitor_follows_the_store_of_the_service(service: Service) -> None:
    assert ask("monitor", "--once")["url"] == service.config.url
    assert "jobs" in call("monitor", "--once").stdout


def test_a_class_of_the_command_line_may_name_job_classes(service: Service) -> None:
    class MyCLI(QueueManagerCLI):
        def _import_job_class(self, job_class_name: str) -> Any:
            if job_class_name == "MyJob":
                from tests.host.jobs_for_tests import Echo

                return Echo
            return None

    from queuemgr.service.cli.main import main

    result = CliRunner().invoke(main, ["job", "add", "MyJob", "named", '{"y": 2}', "--start"], obj=MyCLI())
    assert result.exit_code == 0, result.output
    assert ask("job", "wait", "named")["result"] == {"y": 2}
    assert ask("job", "status", "named")["job_class"] == f"{JOBS}.Echo"


def test_such_a_class_is_a_whole_program(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        QueueManagerCLI().run(["job", "classes", "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out) == {"classes": []}
    assert sys.modules["queuemgr.service.cli.main"]
