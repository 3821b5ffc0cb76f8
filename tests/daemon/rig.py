"""A daemon with a configuration of its own, driven by its command line as systemd drives it. Holds no test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from queuemgr.service.host.calling import Caller
from queuemgr.service.host.config import socket_of
from tests.host.rig import JOBS, PATIENCE, lives, until

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "queuemgr.service.daemon"]
USUAL = {"job_allowed": ["*"], "job_path": [str(ROOT)], "shutdown_timeout": 3.0, "stop_notice": 0.2, "stop_grace": 1.0}


@dataclass
class Daemon:
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    foreground: subprocess.Popen[str] | None = None

    @property
    def file(self) -> Path:
        return self.folder / "queuemgr.toml"

    def configure(self, **settings: Any) -> None:
        usual = {"registry_path": str(self.folder / "data/registry.jsonl"), "proc_dir": str(self.folder / "run")}
        lines = [f"{name} = {json.dumps(value)}" for name, value in (usual | USUAL | settings).items()]
        self.file.write_text("\n".join(lines))

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *words, "--config", str(self.file)],
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done

    def begin(self, **settings: Any) -> int:
        """In the foreground, as systemd with Type=notify starts it; its pid once it is ready."""
        self.configure(**settings)
        with self.errors.open("w") as errors:
            self.foreground = subprocess.Popen(
                [*COMMAND, "start", "--config", str(self.file)], env=self._environ(), stderr=errors, text=True
            )
        until(lambda: "the service is ready" in self.errors.read_text() or self.foreground.poll() is not None)
        assert self.foreground.poll() is None, self.errors.read_text()
        return self.foreground.pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.foreground is not None
        self.foreground.send_signal(number)
        return self.foreground.wait(PATIENCE)

    @property
    def errors(self) -> Path:
        return self.folder / "stderr"

    @property
    def log(self) -> Path:
        return self.folder / "data/daemon.log"

    @property
    def pid_file(self) -> Path:
        return self.folder / "run/daemon.pid"

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text())

    def ask(self, operation: str, **arguments: Any) -> Any:
        caller = Caller(socket_of(self.folder / "run"), timeout=PATIENCE)
        try:
            return caller.call(operation, arguments)
        finally:
            caller.close()

    def add(self, name: str, job_id: str, *, start: bool = True, **params: Any) -> None:
        self.ask("job.add", job_class=f"{JOBS}.{name}", job_id=job_id, params=params, start=start)

    def result(self, job_id: str) -> dict[str, Any]:
        record: dict[str, Any] = self.ask("job.wait", job_id=job_id, timeout=PATIENCE)
        return record

    def close(self) -> None:
        """Whatever a test left of it."""
        if self.foreground is not None and self.foreground.poll() is None:
            self.end()
        if self.pid_file.exists() and _is_daemon(self.pid):
            os.kill(pid := self.pid, signal.SIGTERM)
            until(lambda: not lives(pid))

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(self.folder), **self.environment}


def _is_daemon(pid: int) -> bool:
    try:
        return "queuemgr.service.daemon" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
