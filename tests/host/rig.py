"""A service in a process of its own, asked over its socket, and a look at what lives. Holds no test."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from queuemgr.errors import ServiceError
from queuemgr.jobs.classes import Places
from queuemgr.service.host.calling import Caller
from queuemgr.service.host.config import HostConfig
from queuemgr.service.host.running import start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

JOBS = "tests.host.jobs_for_tests"
PATIENCE = 60.0


@dataclass
class Service:
    """`again` starts another one on the same folders."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> HostConfig:
        usual: dict[str, Any] = {
            "registry_path": str(self.folder / "registry.jsonl"),
            "proc_dir": str(self.folder / "run"),
            "places": Places(allowed=("*",)),
            "shutdown_timeout": 3.0,
            "stop_notice": 0.3,
            "stop_grace": 1.0,
        }
        return HostConfig(**usual | self.settings)

    def begin(self, **settings: Any) -> Service:
        self.settings |= settings
        self.process = start(self.config)
        self.caller = Caller(self.config.socket, timeout=PATIENCE)
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def ask(self, operation: str, /, **arguments: Any) -> Any:
        return self.caller.call(operation, arguments)

    def add(self, name: str, job_id: str, /, *, start: bool = True, options: Any = None, **params: Any) -> str:
        arguments = {"job_class": f"{JOBS}.{name}", "job_id": job_id, "params": params, "start": start}
        self.ask("job.add", **arguments, options=options)
        return job_id

    def end(self, job_id: str) -> dict[str, Any]:
        """Its record once it has ended."""
        record: dict[str, Any] = self.ask("job.wait", job_id=job_id, timeout=PATIENCE)
        return record

    def run(self, name: str, job_id: str, /, **params: Any) -> dict[str, Any]:
        return self.end(self.add(name, job_id, **params))

    def note(self, name: str = "note") -> Path:
        return self.folder / name

    def began(self, name: str = "note") -> int:
        """The pid of a job that writes its note, once it has begun."""
        lines = until(lambda: [line for line in _lines(self.note(name)) if line.startswith("execute ")])
        return int(lines[-1].split()[1])

    def kill(self) -> None:
        assert self.process is not None
        with self.process:
            self.process.kill()
            self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ServiceError):
                self.ask("service.shutdown")
            with self.process:
                assert self.process.stdin is not None
                self.process.stdin.close()
                self.process.wait(PATIENCE)
            self.caller.close()
            self.process = None


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def until(met: Callable[[], T], patience: float = PATIENCE) -> T:
    """What `met` returns as soon as that is true."""
    deadline = time.monotonic() + patience
    while not (found := met()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)
    return found


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def below(pid: int) -> list[int]:
    return [process.pid for process in psutil.Process(pid).children(recursive=True)]
