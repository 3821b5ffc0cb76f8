"""The loop that anybody would write with sqlite3 alone: a table, INSERT, claim, DELETE. It recovers nothing.

As a program, `python bench/bare.py FILE`, it looks for a job every millisecond and prints when each one began.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROMISE = "the job survives the death of every process; one that was claimed by a dead process is never run again"

_TABLE = """
CREATE TABLE IF NOT EXISTS jobs
(id INTEGER PRIMARY KEY, claimed INTEGER NOT NULL DEFAULT 0, task TEXT NOT NULL, args BLOB NOT NULL)
"""
_CLAIM = """
UPDATE jobs SET claimed = 1 WHERE id IN (SELECT id FROM jobs WHERE claimed = 0 ORDER BY id LIMIT ?)
RETURNING id, task, args
"""


class BareQueue:
    """One connection; `durability` is "normal" or "full", as SQLite means it."""

    def __init__(self, path: Path, durability: str = "normal") -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {durability}")
        self._connection.execute(_TABLE)
        self._connection.execute("CREATE INDEX IF NOT EXISTS waiting ON jobs (id) WHERE claimed = 0")

    def close(self) -> None:
        self._connection.close()

    def enqueue(self, task: str, *args: Any) -> None:
        self._connection.execute("INSERT INTO jobs (task, args) VALUES (?, ?)", (task, json.dumps(args).encode()))

    def enqueue_many(self, task: str, calls: list[tuple[Any, ...]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        rows = ((task, json.dumps(args).encode()) for args in calls)
        self._connection.executemany("INSERT INTO jobs (task, args) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")

    def claim(self, most: int) -> list[tuple[int, str, bytes]]:
        return self._connection.execute(_CLAIM, (most,)).fetchall()

    def delete(self, ids: list[int]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("DELETE FROM jobs WHERE id = ?", [(one,) for one in ids])
        self._connection.execute("COMMIT")

    def work(self, tasks: dict[str, Callable[..., Any]], most: int) -> int:
        """Claim up to `most` jobs, run them, delete them; how many."""
        claimed = self.claim(most)
        for _, task, args in claimed:
            tasks[task](*json.loads(args))
        if claimed:
            self.delete([job for job, *_ in claimed])
        return len(claimed)


def poll(path: Path) -> None:
    queue = BareQueue(path)
    tasks = {"moment": lambda: print(time.monotonic_ns(), flush=True)}
    while True:
        if not queue.work(tasks, 1):
            time.sleep(0.001)


if __name__ == "__main__":
    poll(Path(sys.argv[1]))
