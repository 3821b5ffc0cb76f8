"""Follows one job from `enqueue` until its end is on disk, and holds the files that its code passes to those in the
documentation. Counts files, not lines.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sqlite3
import sys
import threading
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import queuemgr
from queuemgr import App
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

MOST = 6
MARK = "the job that is followed"
PACKAGE = Path(queuemgr.__file__).parent
# What is called meanwhile without being given the job, which is checked.
BESIDE = {
    "hand.py": "says how many to claim, and holds those that find no slot free",
    "shares.py": "divides free slots among queues, before there is a job",
    "ticker.py": "fires schedules",
    "stores/sqlite/bell.py": "wakes who waits",
    "stores/sqlite/control.py": "tells a worker which of its jobs are cancelled",
    "stores/sqlite/desk.py": "forgets what is over",
    "stores/sqlite/faults.py": "names what went wrong; nothing does",
    "stores/sqlite/reclaim.py": "looks for dead workers, and whether this one is known",
    "stores/sqlite/waiting.py": "waits for work",
}
# What `enqueue` hands out, and what only counts the ends of jobs.
GIVEN = {"handle.py", "tally.py"}


def test_a_job_passes_the_files_that_the_documentation_names_and_no_others(tmp_path: Path) -> None:
    recorder = asyncio.run(_follow_one_job(tmp_path / "jobs.db"))
    way = recorder.files - _rows_below() - GIVEN - BESIDE.keys()
    assert way == set(_documented_way())


def test_a_jobs_way_is_short() -> None:
    way = _documented_way()
    assert len(way) <= MOST, f"a newcomer has to read {len(way)} files to follow one job: {', '.join(way)}"
    assert len(set(way)) == len(way)


def test_nothing_beside_the_way_is_given_the_job(tmp_path: Path) -> None:
    recorder = asyncio.run(_follow_one_job(tmp_path / "jobs.db"))
    assert recorder.given & BESIDE.keys() == set()
    assert recorder.given >= {"client.py", "worker.py", "settle.py"}


@pytest.mark.parametrize("file", BESIDE)
def test_what_is_beside_the_way_exists(file: str) -> None:
    assert (PACKAGE / file).is_file()


async def _follow_one_job(path: Path) -> Recorder:
    app = App(f"sqlite:///{path}")
    ran: list[str] = []

    @app.task(name="follow")
    async def follow(name: str) -> str:
        ran.append(name)
        return name

    with _recording() as recorder:
        worker = app.worker()
        working = asyncio.create_task(worker.run())
        await follow.aenqueue("another")  # so that everything that is made once is made
        await _until_settled(path, 1)
        recorder.on = True
        follow.enqueue(MARK)
        await _until_settled(path, 2)
        recorder.on = False
        worker.stop()
        await working
        await asyncio.to_thread(app.close)
    assert ran == ["another", MARK]
    return recorder


async def _until_settled(path: Path, number: int) -> None:
    """Looks past the package, so that looking is not recorded."""
    async with asyncio.timeout(60):
        while True:
            connection = sqlite3.connect(path)
            found = connection.execute("SELECT count(*) FROM queuemgr_jobs WHERE state = 5").fetchone()[0]
            connection.close()
            if found == number:
                return
            await asyncio.sleep(0.01)


@dataclass
class Recorder:
    """The files of the package in which something was called, and those of them that were given the job."""

    on: bool = False
    files: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if not self.on or event != "call" or not path.startswith(str(PACKAGE)):
            return
        file = Path(path).relative_to(PACKAGE).as_posix()
        self.files.add(file)
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]
        if any(self._holds(frame.f_locals.get(name), 4) for name in names if name != "self"):
            self.given.add(file)

    def _holds(self, value: object, depth: int) -> bool:
        """Whether the job's argument is in it, or in what it is made of."""
        match value:
            case str():
                return MARK in value
            case bytes():
                return MARK.encode() in value
        return depth > 0 and any(self._holds(part, depth - 1) for part in _parts(value))


def _parts(value: Any) -> list[Any]:
    match value:
        case list() | tuple() | set() | frozenset():
            return list(value)
        case dict():
            return list(value.values())
        case functools.partial():
            return [*value.args, *value.keywords.values()]
        case msgspec.Struct():
            return [getattr(value, name) for name in value.__struct_fields__]
    slots = [getattr(value, name, None) for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    module = type(value).__module__
    return [*slots, *getattr(value, "__dict__", {}).values()] if module.startswith("queuemgr.") else []


@contextmanager
def _recording() -> Iterator[Recorder]:
    recorder = Recorder()
    before = sys.getprofile()
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    try:
        yield recorder
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


def _rows_below() -> set[str]:
    """The files of the two lowest rows: values and contracts."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {f"{name}.py" for row in contracts[0]["layers"][-2:] for name in re.findall(r"\w+", row)}


def _documented_way() -> list[str]:
    text = (ROOT / "docs" / "internals.md").read_text()
    section = text.partition("\n## A job's way\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w/]+\.py)` \|", section, re.MULTILINE)
