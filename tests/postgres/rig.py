"""What the tests of the PostgreSQL store share: jobs, plain connections, whole lives, processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import psycopg

from queuemgr.job import Job, new_id
from queuemgr.liveness import birth_of, this_host
from queuemgr.outcome import SUCCEEDED
from queuemgr.store import Claim, Settlement, WorkerInfo
from queuemgr.stores.postgres.address import read_address
from queuemgr.stores.postgres.store import PostgresStore

ROOT = Path(__file__).parents[2]
FIRST_LINES = """
import asyncio, os, sys
from queuemgr.stores.postgres.store import PostgresStore
from tests.postgres.rig import *
"""


def make_job(task: str = "task", **fields: Any) -> Job:
    return Job(**{"id": new_id(), "task": task, "args": b"[[]]", "created_at": time.time(), **fields})


def this_process(worker: str = "w") -> WorkerInfo:
    pid = os.getpid()
    return WorkerInfo(id=worker, host=this_host(), pid=pid, birth=birth_of(pid) or 0)


def plain(url: str, **more: Any) -> psycopg.Connection[Any]:
    """An application's own connection, which finds our tables without naming their schema."""
    address = read_address(url)
    return psycopg.connect(address.conninfo, options=f"-c search_path={address.schema},public", **more)


def at(url: str, **options: str) -> str:
    """The same address with further options."""
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(f'{name}={value}' for name, value in options.items())}"


def claim_of(worker: str = "w", limit: int = 100) -> Claim:
    return Claim(worker=worker, queues=[("default", limit)], limit=limit, tasks=frozenset({"task"}))


async def work_off(store: PostgresStore, worker: str = "w", limit: int = 100) -> list[str]:
    """Claim and settle until nothing is left; the ids of the jobs, in order."""
    ids: list[str] = []
    while leases := (await store.claim(claim_of(worker, limit))).leases:
        ids += [lease.id for lease in leases]
        assert all(await store.settle([Settlement(lease, worker, SUCCEEDED, time.time()) for lease in leases]))
    return ids


def start_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python that runs `code` after the usual imports."""
    return subprocess.Popen(
        [sys.executable, "-c", FIRST_LINES + textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))},
    )


def answer_of(process: subprocess.Popen[str]) -> str:
    """What it printed. Fails the test where it failed."""
    with process:
        printed, complaints = process.communicate()
    assert process.returncode == 0, complaints
    return printed.strip()
