"""A type checker finds in calls.py every error that is marked, where it is marked, and no other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).with_name("calls.py")
_MARK = re.compile(r"  # type: ignore\[([\w-]+)\]")
_ERROR = re.compile(r"^bare\.py:(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)


@pytest.mark.slow
def test_wrong_calls_are_errors_and_right_ones_are_not(tmp_path: Path) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    (tmp_path / "bare.py").write_text(_MARK.sub("", text), encoding="utf-8")
    found = _check(tmp_path)
    marked = {(number, *_MARK.findall(line)) for number, line in enumerate(text.splitlines(), 1) if _MARK.search(line)}
    assert {(int(number), code) for number, code in _ERROR.findall(found)} == marked, found
    assert len(marked) > 20


@pytest.mark.slow
def test_the_package_says_that_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text("from queuemgr import App\n\nreveal_type(App().client.get)\n", encoding="utf-8")
    assert 'Revealed type is "def (job_id: str) -> queuemgr.job.JobRecord"' in _check(tmp_path)
    assert (ROOT / "queuemgr" / "py.typed").is_file()


def _check(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", folder / "cache", "bare.py"],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout
