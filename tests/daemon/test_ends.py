"""How the daemon tells that something went wrong, and that its pid file is its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.errors import AlreadyRunning, ConfigError
from queuemgr.service.daemon import pidfile, serving
from queuemgr.service.daemon.pidfile import PidFile
from queuemgr.service.daemon.settings import Settings
from tests.host.rig import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.rig import Daemon

PROGRAM = """
import asyncio
from queuemgr.errors import StoreError
from queuemgr.service.daemon import serving
from queuemgr.service.daemon.commands import main

async def serve(settings, read_again, on_ready, *, detached):
    {before}
    raise {error}

serving.serve = serve
main()
"""


def started(daemon: Daemon, before: str, error: str) -> subprocess.CompletedProcess[str]:
    """In the background."""
    program = PROGRAM.format(before=before, error=error)
    command = [sys.executable, "-c", program, "start", "--daemon", "--config", str(daemon.file)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(daemon.folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "error", ["StoreError('the store is gone')", "OSError('the disk is gone')", "RuntimeError('a mistake')"]
)
def test_what_ends_a_daemon_in_the_background_is_in_its_log(daemon: Daemon, error: str) -> None:
    done = started(daemon, "on_ready()", error)
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: daemon.log.exists() and error.split("'")[1] in daemon.log.read_text())
    assert "ERROR queuemgr.service: the daemon ended" in daemon.log.read_text()
    until(lambda: daemon.run("status", code=3).stdout == "Status: stopped\n")


def test_a_mistake_before_it_is_ready_is_in_the_log_that_the_starter_names(daemon: Daemon) -> None:
    done = started(daemon, "pass", "RuntimeError('a mistake')")
    assert (done.returncode, "its log says more" in done.stderr) == (1, True)
    assert "RuntimeError: a mistake" in daemon.log.read_text()


@pytest.mark.parametrize(
    "error", [ConfigError("not so"), OSError("no space is left"), RuntimeError("a mistake")], ids=repr
)
def test_a_reload_that_fails_in_whatever_way_is_over_for_systemd(
    daemon: Daemon, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    monkeypatch.setattr(serving, "notify", lambda *words: told.extend(words))
    host: Any = None

    def read_again() -> Settings:
        raise error

    asyncio.run(serving._reload(host, read_again, detached=False))
    assert told == ["RELOADING=1", "READY=1"]
    assert str(error) in caplog.text


# the pid file


def test_who_waited_for_a_pid_file_that_was_removed_takes_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on a file without a name would be seen by nobody."""
    first, second = PidFile(tmp_path / "pid"), PidFile(tmp_path / "pid")
    first.take()
    waiting = threading.Event()
    monkeypatch.setattr(pidfile, "time", SimpleNamespace(sleep=lambda _: (waiting.set(), first.release())))
    second.take()
    assert waiting.is_set()
    assert second.pid() == os.getpid()
    with pytest.raises(AlreadyRunning):
        PidFile(tmp_path / "pid").take()
    second.release()
    assert not second.path.exists()


def test_a_pid_file_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    first, second = PidFile(tmp_path / "pid"), PidFile(tmp_path / "pid")
    first.take()
    first.path.unlink()
    second.take()
    first.release()
    assert second.pid() == os.getpid()
    second.release()
