"""What goes wrong in jobs, with the service's process and on its socket, and what is left of it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from queuemgr.errors import AlreadyRunning, ConfigError, EncodingError, ServiceGone, ServiceNotRunning
from queuemgr.service.host.config import HostConfig
from queuemgr.service.host.running import start
from tests.host.rig import PATIENCE, below, lives, until

if TYPE_CHECKING:
    from tests.host.rig import Service

pytestmark = pytest.mark.crash


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("segfault", "SIGSEGV"),
        ("exit", "os._exit(3)"),
        ("kill", "SIGKILL"),
        ("sys.exit", "4"),
    ],
)
def test_a_job_that_dies_is_an_error_that_says_how(service: Service, how: str, words: str) -> None:
    record = service.run("Dying", "a", how=how)
    assert record["status"] == "ERROR"
    assert words in record["description"]
    assert service.run("Nothing", "b")["status"] == "COMPLETED"


def test_a_job_that_needs_too_much_memory_is_told_its_limit(service: Service) -> None:
    service.add("Dying", "a", options={"memory_limit": 64 << 20}, how="memory")
    record = service.end("a")
    assert (record["status"], "memory_limit of 67,108,864 bytes" in record["description"]) == ("ERROR", True)


def test_a_job_may_close_its_own_output(service: Service) -> None:
    assert service.run("Printing", "a", how="closed")["result"] == "printed"


def test_a_job_may_print_without_end(service: Service) -> None:
    record = service.run("Printing", "a", how="much", megabytes=200)
    assert record["result"] == "printed"
    assert sum(map(len, service.ask("job.logs", job_id="a")["stdout"])) < 1 << 20
    assert psutil.Process(service.pid).memory_info().rss < 200 << 20


@pytest.mark.slow
def test_a_job_may_print_a_gigabyte(service: Service) -> None:
    assert service.run("Printing", "a", how="much", megabytes=1024)["result"] == "printed"


def test_a_result_without_a_form_in_json_comes_back_as_near_as_can_be(service: Service) -> None:
    assert sorted(service.run("Odd", "a")["result"]) == [1, 2]
    record = service.run("Odd", "b", worse=True)
    assert record["status"] == "ERROR"
    assert "result" in record["description"]


def test_parameters_without_a_form_in_json_are_refused_by_name(service: Service) -> None:
    with pytest.raises(EncodingError, match=r"arguments\.params\.when\[0\] is \{1\}, a set"):
        service.add("Echo", "a", when=[{1}])
    assert service.ask("job.list")["jobs"] == []


def test_jobs_die_with_the_service_and_what_had_ended_or_waited_is_kept(service: Service) -> None:
    service.run("Echo", "done", answer=42)
    service.add("Echo", "waits", start=False, x=1)
    service.add("Sleeping", "amid", note=str(service.note()), family=True)
    pid = service.began()
    tree = [pid, *below(pid)]
    service.kill()
    until(lambda: not lives(pid))
    service.begin()
    assert service.ask("job.status", job_id="done")["result"] == {"answer": 42}
    record = until(lambda: (r := service.ask("job.status", job_id="amid"))["status"] == "ERROR" and r)
    assert "died while it ran the job" in record["description"]
    service.ask("job.start", job_id="waits")
    assert service.end("waits")["result"] == {"x": 1}
    service.ask("job.restart", job_id="amid")
    assert until(lambda: service.began() != pid)
    assert tree


def test_a_job_that_was_cut_off_runs_again_where_that_was_chosen(idle: Service) -> None:
    idle.begin(on_interrupt="restart")
    idle.add("Sleeping", "a", note=str(idle.note()))
    first = idle.began()
    idle.kill()
    idle.begin()
    assert until(lambda: (pid := idle.began()) != first and pid)


def test_a_second_service_on_the_same_folder_is_refused_by_name(service: Service) -> None:
    with pytest.raises(AlreadyRunning, match=f"already runs on .*: pid {service.pid}") as caught:
        start(service.config)
    assert caught.value.pid == service.pid
    assert service.ask("service.status")["pid"] == service.pid


def test_a_second_service_on_the_same_registry_is_refused_too(service: Service, tmp_path: Path) -> None:
    other = HostConfig(registry_path=service.config.registry_path, proc_dir=str(tmp_path / "elsewhere"))
    with pytest.raises(AlreadyRunning, match=r"registry\.jsonl"):
        start(other)


def test_what_a_dead_service_left_behind_is_replaced(service: Service) -> None:
    service.kill()
    assert service.config.socket.exists()
    with pytest.raises(ServiceNotRunning, match="no service answers at"):
        service.ask("service.status")
    service.begin()
    assert service.ask("service.status")["pid"] == service.pid


def test_whoever_waits_learns_at_once_that_the_service_died(service: Service) -> None:
    service.add("Sleeping", "a", note=str(service.note()))
    service.began()
    told: list[Any] = []

    def wait() -> None:
        try:
            service.caller.call("job.wait", {"job_id": "a"}, timeout=None)
        except ServiceGone as error:
            told.append((time.monotonic(), str(error)))

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: _is_in("ask", waiting))
    service.kill()
    died = time.monotonic()
    waiting.join(PATIENCE)
    assert told[0][0] - died < 10
    assert "ended before it answered job.wait" in told[0][1]


def _is_in(function: str, thread: threading.Thread) -> bool:
    """Whether that is where it stands, and not in anything that is called there."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and frame.f_code.co_name == function


def test_the_socket_is_for_this_user_alone(service: Service) -> None:
    assert service.config.socket.stat().st_mode & 0o777 == 0o600
    assert service.config.room.stat().st_mode & 0o777 == 0o700
    for file in service.folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_folder_that_others_may_write_into_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / "run"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(ConfigError, match="others may write into"):
        start(HostConfig(registry_path=str(tmp_path / "r.jsonl"), proc_dir=str(open_to_all)))


def test_a_long_path_to_the_socket_is_no_trouble(tmp_path: Path, idle: Service) -> None:
    idle.begin(proc_dir=str(tmp_path / ("long" * 30) / "run"))
    assert idle.ask("service.status")["pid"] == idle.pid


@pytest.mark.parametrize(
    "sent",
    [
        b"not json\n",
        b"{}\n",
        b"5\n",
        b'{"id":"x","operation":5}\n',
        b'{"id":1,"piece":-1,"more":true}\n',
        b'{"id":1,"piece":99999999,"more":true}\n',
        b"x" * 200_000,
        b"[" * 60_000 + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_a_message_that_is_none_is_answered_with_an_error(service: Service, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(PATIENCE)
        raw.connect(str(service.config.socket))
        raw.sendall(sent)
        assert b'"error"' in raw.recv(65536)
    assert service.ask("service.status")["pid"] == service.pid


def test_a_caller_that_goes_away_harms_nobody(service: Service) -> None:
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(service.config.socket))
            raw.sendall(b'{"id":1,"operation":"job.wait","arguments":{"job_id":"a"}}\n{"id":2,"oper')
    assert service.ask("service.status")["pid"] == service.pid


def test_the_service_ends_when_its_program_does(idle: Service) -> None:
    idle.begin()
    assert idle.process is not None
    assert idle.process.stdin is not None
    idle.process.stdin.close()
    assert idle.process.wait(PATIENCE) == 0


def test_sigterm_ends_it_in_good_order(service: Service) -> None:
    service.add("Sleeping", "a", note=str(service.note()))
    service.began()
    os.kill(service.pid, signal.SIGTERM)
    assert service.process is not None
    assert service.process.wait(PATIENCE) == 0
    assert "on_stop" in service.note().read_text()
    assert not service.config.socket.exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_jobs_leave_not_one_descriptor_and_no_process(service: Service) -> None:
    run_many(service, 50, "warming up")
    processes, descriptors = below(service.pid), count_descriptors(service)
    run_many(service, 10_000, "job")
    until(lambda: len(below(service.pid)) <= len(processes))
    until(lambda: count_descriptors(service) <= descriptors)


def run_many(service: Service, number: int, name: str) -> None:
    for count in range(number):
        service.add("Nothing", f"{name}{count}")
    for count in range(number):
        assert service.end(f"{name}{count}")["status"] == "COMPLETED"


def count_descriptors(service: Service) -> int:
    return len(list(Path(f"/proc/{service.pid}/fd").iterdir()))
