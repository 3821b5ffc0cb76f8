"""The example of an asynchronous Laravel queue runs on a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_handles_all_of_its_jobs(redis_url: str) -> None:
    command = [sys.executable, "examples/async_example.py", redis_url.partition("?")[0]]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("20 jobs of 0.1 s each took")
