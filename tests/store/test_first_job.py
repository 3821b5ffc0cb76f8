"""A program's first job waits for nothing that its caller does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

APP = """
import sys
from queuemgr import App

app = App(sys.argv[1])

@app.task
def send(number: int) -> None: ...

"""


def modules_after(program: str, path: Path) -> set[str]:
    command = [sys.executable, "-c", f"{APP}{program}", f"sqlite:///{path}"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_a_synchronous_producer_does_without_asyncio(tmp_path: Path) -> None:
    modules = modules_after("send.enqueue(1)\nprint(*sys.modules)", tmp_path / "jobs.db")
    assert "queuemgr.stores.sqlite.store" in modules
    assert "asyncio" not in modules


def test_the_first_job_imports_nothing(tmp_path: Path) -> None:
    program = "before = set(sys.modules)\nsend.enqueue(1)\nprint(*set(sys.modules) - before)"
    assert modules_after(program, tmp_path / "jobs.db") == set()
