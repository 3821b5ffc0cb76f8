"""Jobs enough for several steps of a change, and a server whose changes wait in their midst. Holds no test."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from queuemgr.job import Job, State, new_id
from queuemgr.stores.sqlite.store import SqliteStore
from tests.web.rig import Server

MANY = 3_000

# The changes wait in their midst until there is a file, so that no test depends on how fast a machine is.
SLOW = """
import asyncio, pathlib, sys
from queuemgr.stores.sqlite import desk
from queuemgr.service.web.__main__ import main

through, by_parts = desk.Desk._by_parts, []
async def slow(self, query, states, change):
    with open("begun", "a") as begun:
        begun.write("x")
    async def some(part, seqs):
        changed = await change(part, seqs)
        while not pathlib.Path("go").exists():
            await asyncio.sleep(0.01)
        return changed
    return await through(self, query, states, some)
desk.Desk._by_parts = slow
sys.exit(main())
"""


def fill(url: str, number: int = MANY) -> None:
    store, now = SqliteStore(url), time.time()
    store.enqueue_now([Job(id=new_id(), task="t", args=b"[[1]]", queue="q", created_at=now) for _ in range(number)])
    store.close_now()


def number(url: str, state: State) -> int:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as rows:
        found: int = rows.execute("SELECT count(*) FROM queuemgr_jobs WHERE state = ?", (state,)).fetchone()[0]
    return found


def wait(true: Callable[[], Any]) -> Any:
    due = time.monotonic() + 20
    while not (found := true()):
        assert time.monotonic() < due
        time.sleep(0.02)
    return found


def slow_server(folder: Path, url: str) -> Server:
    """Over MANY jobs in the queue `q`; its changes do not end before there is a file `go` in the folder.

    Each of them leaves one byte in the file `begun`.
    """
    fill(url)
    (folder / "slow.py").write_text(SLOW)
    command = [sys.executable, "slow.py", "--store", url, "--port", "0", "--no-open"]
    command += ["--proc-dir", str(folder / "run"), "--token-file", str(folder / "tokens.json")]
    return Server(folder, url, program=command)
