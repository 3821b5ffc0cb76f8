"""The daemon from start to stop, as a person and as systemd start it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from queuemgr import App
from queuemgr.errors import ConfigError
from queuemgr.service.daemon.pidfile import PidFile
from tests.daemon.rig import COMMAND
from tests.host.rig import PATIENCE, lives, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.rig import Daemon


def test_in_the_background_it_answers_as_soon_as_the_command_returns(daemon: Daemon) -> None:
    done = daemon.run("start", "--daemon")
    assert (done.stdout, done.stderr) == ("", "")
    pid = daemon.pid
    assert daemon.ask("service.status")["pid"] == pid
    process = psutil.Process(pid)
    assert (os.getsid(pid) != os.getsid(0), process.terminal()) == (True, None)
    told = daemon.run("status").stdout
    assert told.startswith(f"Status: running (pid {pid})\n")
    assert "total_jobs: 0" in told
    assert daemon.run("stop").stdout == f"stopped (pid {pid})\n"
    assert not lives(pid)
    assert daemon.run("status", code=3).stdout == "Status: stopped\n"
    assert daemon.run("stop").stdout == "the daemon is not running\n"
    assert not daemon.pid_file.exists()


def test_nothing_of_it_is_for_others(daemon: Daemon) -> None:
    before = os.umask(0)
    try:
        daemon.run("start", "--daemon")
    finally:
        os.umask(before)
    daemon.add("Echo", "a", x=1)
    daemon.result("a")
    for place in (daemon.folder / "data", daemon.folder / "run/proc"):
        for file in (place, *place.rglob("*")):
            assert stat.S_IMODE(file.lstat().st_mode) & 0o077 == 0, file
    assert stat.S_IMODE((daemon.folder / "run").stat().st_mode) & 0o022 == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_a_signal_stops_it_and_its_jobs(daemon: Daemon, number: signal.Signals) -> None:
    daemon.begin()
    daemon.add("Sleeping", "a", note=str(daemon.folder / "note"))
    daemon.add("Echo", "later", start=False, x=1)
    until(lambda: daemon.ask("job.status", job_id="a")["progress"] == 40)
    pid = daemon.ask("job.inspect", job_id="a")["pid"]
    assert daemon.end(number) == 0
    assert not lives(pid)
    assert (daemon.folder / "note").read_text().splitlines()[-1] == "on_stop"
    daemon.begin()
    assert daemon.ask("job.status", job_id="a")["status"] == "STOPPED"
    daemon.ask("job.start", job_id="later")
    assert daemon.result("later")["result"] == {"x": 1}


def test_a_restart_is_a_stop_and_a_start(daemon: Daemon) -> None:
    daemon.run("start", "--daemon")
    first = daemon.pid
    daemon.run("restart", "--daemon")
    assert not lives(first)
    assert daemon.pid != first


def test_a_pid_file_that_was_left_behind_deceives_nobody(daemon: Daemon) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        daemon.pid_file.parent.mkdir()
        daemon.pid_file.write_text(f"{bystander.pid}\n")
        assert daemon.run("status", code=3).stdout == "Status: stopped\n"
        assert daemon.run("stop").stdout == "the daemon is not running\n"
        daemon.run("start", "--daemon")
        assert daemon.pid != bystander.pid
        daemon.run("stop")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_who_may_not_read_the_pid_file_is_not_told_that_nothing_runs(daemon: Daemon) -> None:
    daemon.run("start", "--daemon")
    os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match="cannot be read: Permission denied; ask as root"):
            PidFile(daemon.pid_file).pid()
    finally:
        os.seteuid(0)


def test_there_are_never_two(daemon: Daemon, tmp_path: Path) -> None:
    daemon.run("start", "--daemon")
    again = daemon.run("start", code=2)
    assert f"the daemon runs already (pid {daemon.pid})" in again.stderr
    other = daemon.run("start", "--daemon", "--pidfile", str(tmp_path / "other.pid"), code=1)
    assert "the daemon did not start: a service already runs on" in other.stderr
    assert daemon.ask("service.status")["pid"] == daemon.pid


def test_a_start_that_fails_says_why(daemon: Daemon) -> None:
    daemon.configure(store="sqlite:////proc/nowhere/jobs.db")
    assert "the daemon did not start: " in daemon.run("start", "--daemon", code=1).stderr
    daemon.configure(log_file="/proc/nowhere/log")
    assert "the log file /proc/nowhere/log cannot be written" in daemon.run("start", code=2).stderr
    daemon.file.write_text("nonsense = 1")
    assert "a key 'nonsense' that means nothing" in daemon.run("start", "--daemon", code=2).stderr


def test_its_settings_are_told_with_their_origins(daemon: Daemon) -> None:
    daemon.environment["QUEUEMGR_KEEP"] = "3600"
    lines = [line.split() for line in daemon.run("config").stdout.splitlines()]
    told = {words[0]: words[1:] for words in lines}
    assert told["keep"] == ["'3600'", "($QUEUEMGR_KEEP)"]
    assert told["stop_grace"] == ["1.0", f"({daemon.file})"]
    assert told["cleanup_interval"] == ["300.0", "(default)"]


def test_after_a_kill_in_the_middle_of_everything_nothing_is_lost(daemon: Daemon) -> None:
    daemon.begin()
    daemon.add("Echo", "done", x=1)
    daemon.result("done")
    daemon.add("Sleeping", "running", note=str(daemon.folder / "note"))
    daemon.add("Echo", "waiting", start=False, x=2)
    until(lambda: daemon.ask("job.status", job_id="running")["progress"] == 40)
    job = daemon.ask("job.inspect", job_id="running")["pid"]
    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not lives(job))
    assert daemon.run("status", code=3).stdout == "Status: stopped\n"
    daemon.run("start", "--daemon")
    assert daemon.ask("job.status", job_id="done")["result"] == {"x": 1}
    daemon.ask("job.start", job_id="waiting")
    assert daemon.result("waiting")["result"] == {"x": 2}
    told = daemon.result("running")
    assert told["status"] == "ERROR"
    assert "died" in told["description"] or "killed" in told["description"] or "worker" in told["description"]
    daemon.ask("job.restart", job_id="running")
    until(lambda: daemon.ask("job.status", job_id="running")["status"] == "RUNNING")


# systemd


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd would listen with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(PATIENCE)
        yield line


def heard(line: socket.socket, word: str) -> list[str]:
    """What is said up to this word."""
    said: list[str] = []
    while word not in said:
        said += line.recv(4096).decode().split("\n")
    return said


def test_systemd_hears_that_it_is_ready_alive_reloading_and_stopping(daemon: Daemon, ear: socket.socket) -> None:
    daemon.environment |= {"NOTIFY_SOCKET": str(ear.getsockname()), "WATCHDOG_USEC": "200000"}
    pid = daemon.begin()
    heard(ear, "READY=1")
    for _ in range(3):
        heard(ear, "WATCHDOG=1")
    os.kill(pid, signal.SIGHUP)
    heard(ear, "RELOADING=1")
    heard(ear, "READY=1")
    os.kill(pid, signal.SIGTERM)
    assert "EXTEND_TIMEOUT_USEC=13000000" in heard(ear, "STOPPING=1"), "as long as running jobs may take, and more"


def test_the_watchdog_is_heard_while_jobs_run_and_not_from_a_halted_daemon(daemon: Daemon, ear: socket.socket) -> None:
    daemon.environment |= {"NOTIFY_SOCKET": str(ear.getsockname()), "WATCHDOG_USEC": "200000"}
    pid = daemon.begin()
    daemon.add("Sleeping", "a", note=str(daemon.folder / "note"))
    heard(ear, "READY=1")
    heard(ear, "WATCHDOG=1")
    os.kill(pid, signal.SIGSTOP)
    try:
        ear.settimeout(0.6)
        with pytest.raises(TimeoutError):
            heard(ear, "nothing of the kind")
    finally:
        os.kill(pid, signal.SIGCONT)


def test_lines_for_the_journal_begin_with_their_priority(daemon: Daemon) -> None:
    read, write = os.pipe()
    facts = os.fstat(write)
    environment = {**os.environ, "JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}", "HOME": str(daemon.folder)}
    command = [*COMMAND, "start", "--config", str(daemon.file)]
    with os.fdopen(read) as said, subprocess.Popen(command, env=environment, stderr=write) as process:
        os.close(write)
        assert said.readline().startswith("<6>queuemgr.service: the service is ready")
        process.send_signal(signal.SIGHUP)
        while "was read again" not in said.readline():
            pass
        daemon.file.write_text("x = 1")
        process.send_signal(signal.SIGHUP)
        line = said.readline()
        assert line.startswith("<3>queuemgr.service: the configuration stays as it was")
        process.terminate()


def test_with_another_stderr_than_the_journals_lines_have_times(daemon: Daemon) -> None:
    daemon.environment["JOURNAL_STREAM"] = "8:1"
    daemon.begin()
    assert daemon.errors.read_text().startswith("20")


# its configuration, read again


def test_sighup_reads_a_good_configuration(daemon: Daemon) -> None:
    pid = daemon.begin()
    daemon.configure(memory_limit=64 * 1024 * 1024, max_concurrent_jobs=7, log_level="debug")
    os.kill(pid, signal.SIGHUP)
    until(lambda: "the configuration was read again; max_concurrent_jobs need a restart" in daemon.log.read_text())
    daemon.add("Dying", "a", how="memory")
    assert daemon.result("a")["status"] == "ERROR"


def test_sighup_survives_a_bad_configuration(daemon: Daemon) -> None:
    pid = daemon.begin()
    daemon.file.write_text("max_concurrent_jobs = 'x'")
    os.kill(pid, signal.SIGHUP)
    until(lambda: "the configuration stays as it was" in daemon.log.read_text())
    daemon.add("Echo", "a", x=1)
    assert daemon.result("a")["status"] == "COMPLETED"


def test_code_that_changed_is_used_after_a_reload(daemon: Daemon) -> None:
    folder = daemon.folder / "jobs"
    folder.mkdir()
    text = "from queuemgr.jobs.base import QueueJobBase\nclass New(QueueJobBase):\n"
    (folder / "mine.py").write_text(f"{text}    def execute(self): self.set_result(1)\n")
    pid = daemon.begin(job_folders=[str(folder)])
    assert daemon.ask("job.classes") == {"classes": ["mine.New"]}

    def run(job_id: str) -> Any:
        daemon.ask("job.add", job_class="mine.New", job_id=job_id, params={}, start=True)
        return daemon.result(job_id)["result"]

    assert run("a") == 1
    (folder / "mine.py").write_text(f"{text}    def execute(self): self.set_result(22)\n")
    os.kill(pid, signal.SIGHUP)
    until(lambda: "was read again" in daemon.log.read_text())
    assert run("b") == 22


def test_its_log_begins_anew_when_it_is_large(daemon: Daemon) -> None:
    pid = daemon.begin(log_size=1024, log_files=2)
    for number in range(1, 25):
        os.kill(pid, signal.SIGHUP)
        until(lambda number=number: daemon.errors.read_text().count("was read again") == number)
    names = sorted(file.name for file in daemon.log.parent.glob("daemon.log*"))
    assert names == ["daemon.log", "daemon.log.1", "daemon.log.2"]
    assert all(file.stat().st_size <= 1024 for file in daemon.log.parent.glob("daemon.log*"))


# workers beside it

APP = """
import time
from pathlib import Path
from queuemgr import App
app = App("sqlite:///{folder}/app.db")
@app.task
def double(n: int) -> int:
    return 2 * n
@app.task
def slow() -> str:
    Path("{folder}/begun").touch()
    while not Path("{folder}/go").exists():
        time.sleep(0.02)
    return "whole"
"""


def test_workers_of_apps_run_beside_it_and_are_started_again(daemon: Daemon) -> None:
    (daemon.folder / "shop.py").write_text(APP.format(folder=daemon.folder))
    daemon.environment["PYTHONPATH"] = os.pathsep.join([str(daemon.folder), *sys.path])
    pid = daemon.begin(workers=["shop:app"])

    def worker() -> int | None:
        children = psutil.Process(pid).children()
        return next((child.pid for child in children if "worker" in _words(child)), None)

    first = until(worker)
    os.kill(first, signal.SIGKILL)
    second = until(lambda: found if (found := worker()) not in (first, None) else None)
    assert "the workers of shop:app ended with code -9; they are started again in 1 s" in daemon.log.read_text()
    assert second is not None
    assert daemon.end() == 0
    until(lambda: not lives(second))


def test_workers_whose_daemon_was_killed_end_their_jobs_and_then_themselves(daemon: Daemon) -> None:
    (daemon.folder / "shop.py").write_text(APP.format(folder=daemon.folder))
    daemon.environment["PYTHONPATH"] = os.pathsep.join([str(daemon.folder), *sys.path])
    pid = daemon.begin(workers=["shop:app"], shutdown_timeout=30.0)
    with closing(App(f"sqlite:///{daemon.folder}/app.db")) as app:
        job = app.task(name="shop.slow")(lambda: None).enqueue()
        until((daemon.folder / "begun").exists)
        crew = [child for child in psutil.Process(pid).children(recursive=True) if "worker" in _words(child)]
        assert len(crew) == 2
        assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: "SIGTERM: no new jobs; 1 running may end" in daemon.errors.read_text())
        (daemon.folder / "go").touch()
        assert job.result(timeout=PATIENCE) == "whole"
        assert job.look().attempt == 1
    psutil.wait_procs(crew, PATIENCE)
    assert not [one.pid for one in crew if lives(one.pid)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


def test_pauses_between_lives_grow(daemon: Daemon) -> None:
    daemon.begin(workers=["no_such_module:app"])
    until(lambda: "again in 2 s" in daemon.log.read_text())
    assert "again in 1 s" in daemon.log.read_text()
