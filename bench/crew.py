"""Workers in processes of their own, and scratch folders, for the time of a `with` block. It measures nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jobs

HERE = Path(__file__).parent
ALONE = "from jobs import app; app.work()"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that goes away, in the temporary folder of the machine (TMPDIR chooses another)."""
    with tempfile.TemporaryDirectory(prefix="queuemgr-bench-") as folder:
        yield Path(folder)


def url_of(path: Path, durability: str = "normal") -> str:
    return f"sqlite:///{path.absolute()}?durability={durability}"


@contextmanager
def supervised(url: str, processes: int = 1) -> Iterator[subprocess.Popen[str]]:
    """`queuemgr worker`: the supervisor, which starts the workers and starts them again."""
    command = ["-m", "queuemgr", "worker", "jobs:app", "--log-level", "error", "--processes", str(processes)]
    with running(*command, url=url) as process:
        yield process


@contextmanager
def alone(url: str) -> Iterator[subprocess.Popen[str]]:
    """One worker that nobody supervises."""
    with running("-c", ALONE, url=url) as process:
        yield process


@contextmanager
def running(*command: str, url: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """Another Python, whose lines can be read and written; it is told to stop at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=HERE,
        env={**os.environ, jobs.URL: url} if url else None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
