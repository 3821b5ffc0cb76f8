"""Looks at the store again and again, and notices what has changed: counts, running jobs, events. It draws nothing."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from queuemgr import Query, State
from queuemgr.job import WAITING

from .troubles import in_short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuemgr.client import Client
    from queuemgr.job import JobRecord
    from queuemgr.store import QueueInfo, WorkerInfo

WINDOW = 2.0
TELLING = 10.0  # percent from which on a job's own estimate is worth something
UNFINISHED = (*WAITING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Event:
    """`at` is in seconds since the start."""

    at: float
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Running:
    """A job in a worker's hands: `percent` is its own word, `left` its estimated seconds, `pid` its worker's."""

    name: str
    pid: int | None
    age: float
    percent: float | None
    left: float | None


@dataclass(frozen=True, slots=True)
class View:
    """One look at the run. `rate` is jobs per second, `left` seconds."""

    seconds: float
    done: int
    total: int
    rate: float
    running: list[Running] = field(default_factory=list)
    queues: list[QueueInfo] = field(default_factory=list)
    workers: list[WorkerInfo] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def left(self) -> float | None:
        """What the rate says, but no less than the running jobs say of themselves."""
        if self.rate <= 0:
            return None
        told = [job.left for job in self.running if job.left is not None and (job.percent or 0.0) >= TELLING]
        return max((self.total - self.done) / self.rate, *told, 0.0)


class Watch:
    """`names` are the files by their jobs' ids; `tag` marks the jobs of this run."""

    def __init__(self, client: Client, tag: str, names: Mapping[str, str]) -> None:
        self.events: list[Event] = []
        self._client = client
        self._tag = tag
        self._names = names
        self._began = time.monotonic()
        self._done: deque[tuple[float, int]] = deque([(0.0, 0)])
        self._known: set[str] = set()

    def look(self) -> View:
        """Raises StoreError."""
        seconds = time.monotonic() - self._began
        done = len(self._names) - self._client.count(Query(tag=self._tag, states=UNFINISHED))
        workers = self._client.workers()
        self._notice(seconds, workers)
        return View(
            seconds,
            done,
            len(self._names),
            self._rate(seconds, done),
            self._running(workers),
            self._client.queues(),
            workers,
            self.events,
        )

    def say(self, word: str, text: str) -> None:
        self.events.append(Event(time.monotonic() - self._began, word, text))

    def _rate(self, seconds: float, done: int) -> float:
        self._done.append((seconds, done))
        while len(self._done) > 2 and seconds - self._done[0][0] > WINDOW:
            self._done.popleft()
        since, before = self._done[0]
        return (done - before) / (seconds - since) if seconds > since else 0.0

    def _running(self, workers: list[WorkerInfo]) -> list[Running]:
        pids = {worker.id: worker.pid for worker in workers}
        now = time.time()
        records = self._client.find(Query(tag=self._tag, states=(State.RUNNING,)), limit=100).jobs
        return [
            Running(
                self._names[record.id],
                pids.get(record.worker or ""),
                now - (record.started_at or now),
                record.progress,
                record.seconds_left(now),
            )
            for record in sorted(records, key=lambda record: record.started_at or now)
        ]

    def _notice(self, seconds: float, workers: list[WorkerInfo]) -> None:
        for worker in workers:
            if self._is_new(worker.id):
                self.events.append(Event(seconds, "worker", f"{worker.pid} is ready"))
        for record in self._find(State.SCHEDULED):
            if record.failures and self._is_new(f"{record.id} {record.failures}"):
                self.events.append(
                    Event(seconds, "failed", f"{self._names[record.id]}: {in_short(record.error)}, it runs again")
                )
        for record in self._find(State.DEAD):
            if self._is_new(f"{record.id} dead"):
                self.events.append(Event(seconds, "dead", f"{self._names[record.id]}: {in_short(record.error)}"))

    def _find(self, state: State) -> list[JobRecord]:
        return self._client.find(Query(tag=self._tag, states=(state,)), limit=100).jobs

    def _is_new(self, what: str) -> bool:
        known = what in self._known
        self._known.add(what)
        return not known
