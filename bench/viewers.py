"""A page in a process of its own, those who look at it, and jobs that pass meanwhile. It judges nothing."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import psutil
from crew import HERE, running, stop

from queuemgr.job import Job, new_id
from queuemgr.stores.sqlite.store import SqliteStore

MB = 1e6
LOAD = "bench-load"
PRODUCER = """
import sys, time
from queuemgr.job import Job, new_id
from queuemgr.stores.sqlite.store import SqliteStore
url, queue, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
store = SqliteStore(url)
began, made = time.time(), 0
while True:
    due = int((time.time() - began) * rate) - made
    if due > 0:
        fixed = {"task": "jobs.nothing", "args": b"[[1]]", "queue": queue, "created_at": time.time()}
        store.enqueue_now([Job(id=new_id(), **fixed) for _ in range(due)])
        made += due
        print(made, flush=True)
    time.sleep(0.02)
"""
WORKER = "import sys; from jobs import app; app.work(queues={sys.argv[1]: 1})"
SCREENS = (
    ("overview", "alerts.list", "history"),
    ("jobs.list?limit=50", "overview"),
    ("jobs.list?state=running&limit=50", "overview"),
    ("queues.list", "overview"),
    ("workers.list", "overview"),
)
"""Of what the viewers look at in turn, the topics."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`memory` is MB of resident memory; `handles` are open files and connections."""

    memory: float
    handles: int
    threads: int

    def __str__(self) -> str:
        return f"{self.memory:.1f} MB, {self.handles} handles, {self.threads} threads"


@dataclass(frozen=True, slots=True)
class Cost:
    """`cpu` is percent of one core."""

    cpu: float
    events: int
    before: Taken
    during: Taken
    after: Taken


class Served:
    """`queuemgr web` on a free port."""

    def __init__(self, folder: Path, store: str) -> None:
        self.store = store
        self._folder = folder

    def __enter__(self) -> Self:
        words = ["web", "--store", self.store, "--port", "0", "--no-open", "--proc-dir", str(self._folder / "run")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "queuemgr", *words, "--token-file", str(self._folder / "tokens.json")],
            cwd=HERE,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[4]
        self._line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        stop(self.process)

    def get(self, path: str) -> int:
        self._line.request("GET", path, headers={"accept-encoding": "gzip"})
        response = self._line.getresponse()
        response.read()
        return response.status

    def taken(self) -> Taken:
        seen = psutil.Process(self.process.pid)
        return Taken(seen.memory_info().rss / MB, seen.num_fds(), seen.num_threads())

    def cpu(self) -> float:
        """Seconds so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


class Viewer:
    """Follows topics in a thread; `events` counts what came."""

    def __init__(self, url: str, topics: tuple[str, ...]) -> None:
        self._line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._path = "/api/v1/events?" + "&".join(f"topic={quote(topic, safe='')}" for topic in topics)
        self._heard = threading.Condition()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._data = b""
        self.events = 0

    def __enter__(self) -> Self:
        self._line.request("GET", self._path)
        self._response: Any = self._line.getresponse()
        # It is needed to hang up while the thread reads.
        self._socket = self._line.sock
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._response.close()
        self._line.close()

    def _follow(self) -> None:
        try:
            for line in self._response:
                if line.startswith(b"data: "):
                    with self._heard:
                        self.events += 1
                        self._data = line
                        self._heard.notify_all()
        except (OSError, http.client.HTTPException, ValueError):
            return

    def delays(self, store: str, number: int) -> list[float]:
        """Milliseconds from the commit of a job to the event that names it, of so many jobs with pauses between."""
        inside = SqliteStore(store)
        taken = []
        for place in range(number):
            time.sleep(0.3 + 0.037 * (place % 20))
            job = Job(id=new_id(), task="bench.probe", args=b"[[1]]", queue="probe", created_at=time.time(), held=True)
            inside.enqueue_now([job])
            began = time.perf_counter()
            with self._heard:
                self._heard.wait_for(partial(self._names, job.id.encode()), 30)
            taken.append((time.perf_counter() - began) * 1000)
        inside.close_now()
        return taken

    def gaps(self, number: int) -> list[float]:
        """Milliseconds between two events, while there is always something new: no change waits for longer."""
        moments = []
        for _ in range(number + 1):
            with self._heard:
                before = self.events
                self._heard.wait_for(partial(self._is_beyond, before), 30)
            moments.append(time.perf_counter())
        return [(after - before) * 1000 for before, after in pairwise(moments)]

    def _names(self, job_id: bytes) -> bool:
        return job_id in self._data

    def _is_beyond(self, events: int) -> bool:
        return self.events > events


@contextmanager
def passing(store: str, rate: float = 1000.0) -> Iterator[Callable[[], float]]:
    """So many jobs a second are enqueued and run by others; what is yielded tells how many ended in a second so far."""
    with running("-c", WORKER, LOAD, url=store), running("-c", PRODUCER, store, LOAD, str(rate)) as producer:
        assert producer.stdout is not None
        threading.Thread(target=lambda: [None for _ in producer.stdout or ()], daemon=True).start()
        time.sleep(3)
        began, before = time.perf_counter(), _ended(store)
        yield lambda: (_ended(store) - before) / (time.perf_counter() - began)


def _ended(store: str) -> int:
    import asyncio

    from queuemgr import Query, State

    inside = SqliteStore(store)
    found = asyncio.run(inside.count(Query(states=(State.SUCCEEDED,), queue=LOAD)))
    inside.close_now()
    return found


def watch(served: Served, number: int, seconds: float) -> Cost:
    """So many viewers of all screens for so many seconds, and five seconds more after they left."""
    before = served.taken()
    with ExitStack() as stack:
        seen = [stack.enter_context(Viewer(served.url, SCREENS[place % len(SCREENS)])) for place in range(number)]
        time.sleep(2)
        began, spent = time.perf_counter(), served.cpu()
        time.sleep(seconds)
        cpu = 100 * (served.cpu() - spent) / (time.perf_counter() - began)
        during, events = served.taken(), sum(viewer.events for viewer in seen)
    time.sleep(5)
    return Cost(cpu, events, before, during, served.taken())
