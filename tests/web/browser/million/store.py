"""More than a million jobs, a worker and a server, and what the rows themselves say afterwards. Holds no test."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from queuemgr.job import Job, State, new_id, order_of
from queuemgr.stores.sqlite.store import SqliteStore
from tests.web.browser.rig import PATIENCE, Shop
from tests.web.rig import ROOT, Server

from .filling import fill

PROGRAM = Path(__file__).parent / "program.py"
SLOTS = 3


class Million(Shop):
    """What filling.py makes, and three jobs that run for ever. Every test has jobs of its own put into it."""

    def __enter__(self) -> Self:
        self.path = self.folder / "jobs.db"
        fill(self.path)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.put_into: set[str] = set()
        self.begin("crawler-1")
        self.server = Server(self.folder, self.store).__enter__()
        self.url = self.server.url
        self.await_(lambda: len(self.running()) == SLOTS)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()
        for worker in self.workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait(PATIENCE)
        self.path.unlink()

    def begin(self, name: str) -> subprocess.Popen[bytes]:
        """Another worker. Only the first one finds work."""
        worker = subprocess.Popen(
            [sys.executable, str(PROGRAM), self.store, name],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"{name}.log").open("wb"),
        )
        self.workers.append(worker)
        return worker

    def await_(self, true: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, (self.folder / "crawler-1.log").read_text()
            time.sleep(0.05)

    def running(self) -> list[str]:
        """Ids of the jobs that run."""
        return [job["id"] for job in self.ask("GET", "/api/v1/jobs?state=running&limit=10")["jobs"]]

    def put(self, number: int, state: State = State.READY, *, queue: str, error: str | None = None) -> list[str]:
        """So many new jobs in that state; their ids, the newest first. `error` is what they failed with."""
        self.put_into.add(queue)
        now = time.time()
        jobs = [Job(id=new_id(), task="shop.put", args=b"[[1]]", queue=queue, created_at=now) for _ in range(number)]
        store = SqliteStore(self.store)
        store.enqueue_now(jobs)
        store.close_now()
        done = state if state.finished else 0
        ended = now if done else None
        told = json.dumps({"type": "RuntimeError", "message": error}) if error else None
        orders = [(state, done, ended, ended, told, order_of(job.id)) for job in jobs]
        with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as connection, connection:
            connection.executemany(
                "UPDATE queuemgr_jobs SET state = ?, done = ?, crashes = crashes, started_at = ?, finished_at = ?,"
                " error = ? WHERE seq = ?",
                orders,
            )
        return [job.id for job in reversed(jobs)]

    def tidy(self) -> None:
        """Take out again what was put in, so that the queues of one test are not walked through by the next."""
        known = {queue["name"] for queue in self.ask("GET", "/api/v1/queues")["queues"]}
        if names := sorted(self.put_into & known):
            self.ask("POST", "/api/v1/queues/drain", {"names": names, "finished": True})
        self.put_into.clear()

    def told(self, column: str, ids: list[str]) -> set[Any]:
        """What stands in the rows themselves; None for one that is gone."""
        sql = f"SELECT {column} FROM queuemgr_jobs WHERE seq = ? AND id = ?"
        found = (self.rows(sql, order_of(job_id), job_id) for job_id in ids)
        return {rows[0][0] if rows else None for rows in found}

    def states(self, ids: list[str]) -> set[str]:
        return {"gone" if state is None else State(state).word for state in self.told("state", ids)}

    def number(self, queue: str, state: State) -> int:
        """How many rows there are, whatever has been counted."""
        rows = self.rows("SELECT count(*) FROM queuemgr_jobs WHERE queue = ? AND state = ?", queue, state)
        return int(rows[0][0])

    def queue(self, name: str) -> Any:
        return next(one for one in self.ask("GET", "/api/v1/queues")["queues"] if one["name"] == name)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as connection:
            return connection.execute(sql, values).fetchall()
