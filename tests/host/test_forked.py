"""What the process has in it from which the jobs of a service are forked, and what it can do all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from queuemgr.jobs.classes import Places
from queuemgr.jobs.forked import PATH, VARIABLE, Definition

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = f"""
import json, sys
from importlib import import_module
import queuemgr.executors.processes.zygote
app = getattr(import_module({PATH.partition(":")[0]!r}), "app")
app.tasks, app.codec, app.max_result, app.keeper, [task.prepare() for task in app.tasks]
{{more}}
print(json.dumps(sorted(sys.modules)))
"""
ONLY_FOR_OTHERS = {"asyncio", "sqlite3", "logging", "threading", "random", "queuemgr.app", "queuemgr.client"}


def modules(tmp_path: Path, more: str = "", code: str = "", **definition: Any) -> list[str]:
    """Those that are imported before the first fork."""
    (tmp_path / "ahead_jobs.py").write_text(
        f"{code}\nfrom queuemgr.jobs.base import QueueJobBase\nclass Job(QueueJobBase):\n    def execute(self): ...\n"
    )
    places = Places(folders=(str(tmp_path),))
    wanted = Definition(url=f"sqlite:///{tmp_path}/jobs.db", places=places, ahead=("ahead_jobs.Job",), **definition)
    environment = os.environ | {VARIABLE: msgspec.json.encode(wanted).decode(), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM.format(more=more)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_jobs_are_forked_without_what_only_callers_and_workers_need(tmp_path: Path) -> None:
    found = modules(tmp_path, results=str(tmp_path / "results"))
    assert "ahead_jobs" in found
    assert ONLY_FOR_OTHERS & set(found) == set()


def test_where_the_store_alone_knows_the_place_of_results_it_is_there_before_the_fork(tmp_path: Path) -> None:
    assert {"queuemgr.app", "sqlite3"} <= set(modules(tmp_path))


@pytest.mark.parametrize("code", ["import logging", "import logging; logging.basicConfig(level=logging.DEBUG)"])
def test_a_class_that_is_imported_ahead_sets_up_no_logging(tmp_path: Path, code: str) -> None:
    more = "import logging; assert not logging.getLogger().handlers"
    assert "logging" in modules(tmp_path, more, code, results=str(tmp_path / "results"))


def test_a_large_result_is_kept_in_the_folder_that_was_told(tmp_path: Path) -> None:
    more = "from queuemgr.result import Owner; app.keeper.keep(['x' * 1000] * 1000, Owner('a', 1))"
    found = modules(tmp_path, more, results=str(tmp_path / "results"))
    assert any((tmp_path / "results").rglob("*"))
    assert "sqlite3" not in found


def test_what_a_task_enqueues_goes_to_the_store(tmp_path: Path) -> None:
    more = "job = app.tasks['ahead_jobs.Job'].enqueue('a', {}); print(job.id)"
    assert "sqlite3" in modules(tmp_path, more, results=str(tmp_path / "results"))
    assert (tmp_path / "jobs.db").exists()
