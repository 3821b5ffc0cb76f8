"""The scene of a crash: a store, the processes that use it, and what they left behind. It judges nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from queuemgr.app import open_store
from queuemgr.job import Job, JobRecord, State, new_id
from queuemgr.store import Query
from tests.servers.process import PATIENCE, until

from .forked import Forked, Warm

PROGRAM = Path(__file__).with_name("program.py")
ROOT = PROGRAM.parents[2]
PATH = os.pathsep.join(map(str, (ROOT / "tests" / "servers" / "elsewhere", ROOT)))
EXECUTORS = ("async", "thread", "process", "pool")
T = TypeVar("T")
Process: TypeAlias = subprocess.Popen[bytes] | Forked


@dataclass(frozen=True, slots=True)
class Mark:
    """`moment` is in seconds of the machine's clock."""

    word: str
    job: str
    attempt: int
    pid: int
    moment: float


class Scene:
    """One store, and a folder for what its processes say. They are forked from `warm`, if that is given."""

    def __init__(self, folder: Path, url: str, warm: Warm | None = None) -> None:
        self.folder = folder
        self.url = url
        self.store = open_store(url)
        self._runner = asyncio.Runner()
        self._marks = folder / "marks"
        self._processes: list[Process] = []
        self._warm = warm

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        if self._warm is not None:
            self._warm.sweep()
        with self._runner:
            self.do(self.store.close())

    # jobs

    def enqueue(self, task: str, *arguments: Any, number: int = 1, **fields: Any) -> list[str]:
        data = msgspec.json.encode([list(arguments)])
        now = time.time()
        jobs = [Job(id=new_id(), task=task, args=data, created_at=now, **fields) for _ in range(number)]
        self.do(self.store.enqueue(jobs))
        return [job.id for job in jobs]

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def get(self, job_id: str) -> JobRecord:
        return self.do(self.store.get(job_id))

    def all_jobs(self) -> list[JobRecord]:
        page = self.do(self.store.find(Query(), 10_000))
        return [self.get(record.id) for record in reversed(page.jobs)]

    def result(self, job_id: str) -> bytes | None:
        return self.do(self.store.result(job_id))

    def count_running(self) -> int:
        return self.do(self.store.count(Query(states=(State.RUNNING,))))

    # processes

    def start(self, *arguments: str, die_at: str = "", url: str = "", **elsewhere: object) -> Process:
        """`host`, `ahead` and `lease` are those of another machine, as tests/servers/elsewhere describes them."""
        environment = {**os.environ, "STORE": url or self.url, "MARKS": str(self._marks), "PYTHONPATH": PATH}
        environment |= {f"TEST_{name.upper()}": str(value) for name, value in elsewhere.items()}
        environment.pop("QUEUEMGR_DIE_AT", None)
        if die_at:
            environment["QUEUEMGR_DIE_AT"] = die_at
        with (self.folder / f"log{len(self._processes)}").open("wb") as log:
            if self._warm is None or any(elsewhere.values()):
                process: Process = subprocess.Popen(
                    [sys.executable, str(PROGRAM), *arguments],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=self.folder,
                )
            else:
                process = self._warm.fork(arguments, environment, self.folder, log)
        self._processes.append(process)
        return process

    def until_joined(self, number: int) -> None:
        until(lambda: len(self.do(self.store.workers())) == number)

    def dies(self, *arguments: str, at: str) -> None:
        """Start it and wait until it has killed itself at that point."""
        process = self.start(*arguments, die_at=at)
        status = process.wait(PATIENCE)
        assert status == -signal.SIGKILL, f"it did not come to {at} and ended with {status}: {self.log(process)}"

    def finish(self, *arguments: str, die_at: str = "") -> None:
        """Let a worker without faults do all that is left."""
        process = self.start(*(arguments or ("work",)), die_at=die_at)
        status = process.wait(PATIENCE)
        assert status == 0, f"the worker ended with {status}: {self.log(process)}"

    def until(self, look: Callable[[], object]) -> None:
        """As `until`, and in the end with what the processes said."""
        try:
            until(look)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def log(self, process: Process) -> str:
        return (self.folder / f"log{self._processes.index(process)}").read_text()

    def logs(self) -> str:
        return "\n".join(f"{process.pid} ({process.poll()}):\n{self.log(process)}" for process in self._processes)

    # what was left behind

    def marks(self, job_id: str | None = None) -> list[Mark]:
        if not self._marks.exists():
            return []
        lines = [line.split() for line in self._marks.read_text().splitlines()]
        marks = [Mark(word, job, int(n), int(pid), int(moment) / 1e9) for word, job, n, pid, moment in lines]
        return [mark for mark in marks if job_id in (None, mark.job)]

    def words(self, job_id: str) -> list[str]:
        return [f"{mark.word} {mark.attempt}" for mark in self.marks(job_id)]

    def until_marked(self, number: int = 1) -> list[Mark]:
        return until(lambda: marks if len(marks := self.marks()) >= number else [])

    def overlaps(self) -> list[str]:
        """Two runs of a job at the same time, both of which came to their ends."""
        spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
        marks = self.marks()
        for begin in (mark for mark in marks if mark.word == "start"):
            for end in marks:
                if end.word == "end" and (end.job, end.attempt) == (begin.job, begin.attempt):
                    spans[begin.job].append((begin.moment, end.moment))
        return [job for job, runs in spans.items() if _overlap(sorted(runs))]


def _overlap(runs: Sequence[tuple[float, float]]) -> bool:
    return any(later[0] < earlier[1] for earlier, later in pairwise(runs))
