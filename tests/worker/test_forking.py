"""Jobs whose own code forks, as multiprocessing does: in a worker of their own, because its signals are at stake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from queuemgr.app import App
from queuemgr.handle import Handle

from . import forking_app

ROOT = Path(__file__).parents[2]
PROGRAM = Path(forking_app.__file__)


@pytest.mark.parametrize("name", ["pooled_in_a_thread", "pooled_in_the_loop"])
def test_a_pool_of_a_job_ends_and_its_end_does_not_stop_the_worker(tmp_path: Path, name: str) -> None:
    handles, said = work_on(tmp_path, name, name)
    assert [handle.result(0) for handle in handles] == [[1, 2], [1, 2]]
    assert "SIGTERM" not in said


@pytest.mark.parametrize("where", ["a_thread", "the_loop", "the_pool"])
def test_a_fork_that_comes_back_from_its_task_does_not_go_on_as_the_worker(tmp_path: Path, where: str) -> None:
    handles, _ = work_on(tmp_path, f"comes_back_in_{where}", "next_one")
    assert [handle.result(0) for handle in handles] == ["the parent", "the next one"]


def work_on(folder: Path, *names: str) -> tuple[list[Handle[Any]], str]:
    """Jobs of these tasks after a worker has emptied the queue, and what it said."""
    url = f"sqlite:///{folder}/jobs.db"
    app = App(url)
    handles = [app.client.enqueue(forking_app.app.tasks[name].call()) for name in names]
    with (folder / "worker.log").open("w+") as log:
        worker = subprocess.run(
            [sys.executable, PROGRAM.name],
            check=False,
            cwd=PROGRAM.parent,
            env={**os.environ, "FORKING_STORE": url, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=log,
            timeout=120,
        )
        log.seek(0)
        said = log.read()
    assert worker.returncode == 0, said
    app.close()
    return handles, said
