"""What the tests of the SQLite store share: jobs, processes of their own, and a look at the file's log."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queuemgr.job import Job, new_id

if TYPE_CHECKING:
    from queuemgr.stores.sqlite.store import SqliteStore

ROOT = Path(__file__).parents[2]
FIRST_LINES = """
import asyncio, os, sqlite3, sys, time
from pathlib import Path
from queuemgr.errors import *
from queuemgr.store import Query
from queuemgr.stores.sqlite.store import SqliteStore
from tests.store.rig import make_job
"""


def make_job(task: str = "task", **fields: Any) -> Job:
    return Job(**{"id": new_id(), "task": task, "args": b"[[]]", "created_at": time.time(), **fields})


def start_python(code: str, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """Another Python that runs `code` after the usual imports; it reads and writes text."""
    return subprocess.Popen(
        [sys.executable, "-c", FIRST_LINES + textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path])), **variables},
    )


def run_python(code: str, *arguments: object, **variables: str) -> str:
    """What it printed. Fails the test where it failed."""
    with start_python(code, *arguments, **variables) as process:
        printed, complaints = process.communicate()
    assert process.returncode == 0, complaints
    return printed.strip()


def waits(store: SqliteStore) -> bool:
    """Whether somebody in this process waits for a ring of the store's bell."""
    return any(bell._waiters for bell in store._waiting._bells.values())


def commits_in_log(path: Path) -> int:
    """How many transactions the log beside the database holds (sqlite.org/fileformat.html, section 4)."""
    log = Path(f"{path}-wal").read_bytes()
    page = int.from_bytes(log[8:12], "big")
    salt = log[16:24]
    frames = (log[at : at + 24] for at in range(32, len(log) - 23, page + 24))
    return sum(frame[8:16] == salt and frame[4:8] != b"\0\0\0\0" for frame in frames)
