"""Job classes that were seen are imported before the fork, unless that would leave something for jobs to share."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.host.rig import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.host.rig import Service

MODULE = """
import os
from queuemgr.jobs.base import QueueJobBase

IMPORTED_BY = os.getpid()
{more}

class Told(QueueJobBase):
    def execute(self) -> None:
        self.set_result({{"imported": IMPORTED_BY, "own": os.getpid(), "parent": os.getppid(), "version": {version}}})
"""
THREAD = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
NUMBERS = itertools.count()
FILE = "left_open = open(__file__)"


def write(folder: Path, name: str, more: str = "", version: int = 1) -> None:
    (folder / f"{name}.py").write_text(MODULE.format(more=more, version=version))


def told(service: Service, module: str) -> dict[str, Any]:
    """What a new job of the module tells."""
    job_id = f"{module}-{next(NUMBERS)}"
    arguments = {"job_class": f"{module}.Told", "job_id": job_id, "params": {}, "start": True}
    service.ask("job.add", **arguments)
    result: dict[str, Any] = service.end(job_id)["result"]
    return result


@pytest.fixture
def folder(tmp_path: Path, idle: Service) -> Path:
    from queuemgr.jobs.classes import Places

    made = tmp_path / "jobs"
    made.mkdir()
    idle.settings["places"] = Places(folders=(str(made),))
    return made


def is_ahead(seen: dict[str, Any]) -> bool:
    return bool(seen["imported"] == seen["parent"])


def test_a_class_that_was_seen_is_there_before_its_next_job(idle: Service, folder: Path) -> None:
    write(folder, "plain_jobs")
    service = idle.begin()
    first = told(service, "plain_jobs")
    assert first["imported"] == first["own"]
    until(lambda: is_ahead(told(service, "plain_jobs")))


@pytest.mark.parametrize("more", [THREAD, FILE], ids=["a thread", "an open file"])
def test_a_module_that_leaves_something_behind_is_imported_by_each_job(idle: Service, folder: Path, more: str) -> None:
    write(folder, "odd_jobs", more)
    write(folder, "plain_jobs")
    service = idle.begin()
    told(service, "odd_jobs")
    until(lambda: is_ahead(told(service, "plain_jobs")))
    for _ in range(3):
        seen = told(service, "odd_jobs")
        assert seen["imported"] == seen["own"]


def test_a_reload_takes_the_code_as_it_is_now(idle: Service, folder: Path) -> None:
    write(folder, "plain_jobs")
    service = idle.begin()
    until(lambda: is_ahead(told(service, "plain_jobs")))
    write(folder, "plain_jobs", version=22)
    service.ask("service.reload")
    assert told(service, "plain_jobs")["version"] == 22
    until(lambda: is_ahead(told(service, "plain_jobs")))
    assert told(service, "plain_jobs")["version"] == 22
