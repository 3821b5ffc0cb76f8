"""Older programs: each is written into a folder and run by an interpreter of its own, as its user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parents[2]

Script: TypeAlias = Callable[..., list[str]]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs a program; the lines that it printed."""

    def run(text: str, *words: str, name: str = "program") -> list[str]:
        file = tmp_path / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(file), *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run
