"""The memory of each worker, where it runs on this machine, and of nobody else who has its pid."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from queuemgr.app import open_store
from queuemgr.liveness import birth_of, this_host
from queuemgr.service.operations.residence import STEP, resident_memory
from queuemgr.store import WorkerInfo
from tests.web.rig import Asked

LARGE = 80 * 1024 * 1024
PROGRAM = f"""
import subprocess, sys
held = bytearray({LARGE})
held[::4096] = b"x" * len(held[::4096])
if len(sys.argv) > 1:
    below = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    below.stdout.readline()
print("there", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=[False, True], ids=["alone", "with a process below it"])
def large(request: pytest.FixtureRequest) -> Iterator[tuple[WorkerInfo, int]]:
    """A process that passes for a worker, and the bytes that it has at least."""
    below = [PROGRAM] if request.param else []
    command = [sys.executable, "-c", PROGRAM, *below]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        birth = birth_of(process.pid) or 0
        info = WorkerInfo(id="w1", host=this_host(), pid=process.pid, birth=birth, started_at=1.0, beat_at=1.0)
        yield info, LARGE * (2 if below else 1)


def test_it_is_what_the_worker_and_the_processes_below_it_have(large: tuple[WorkerInfo, int]) -> None:
    info, least = large
    found = resident_memory(info)
    assert found is not None
    assert least < found < least + LARGE
    assert found % STEP == 0


def test_nothing_is_told_of_another_process_with_the_same_pid() -> None:
    birth = birth_of(os.getpid()) or 0
    mine = WorkerInfo(id="w1", host=this_host(), pid=os.getpid(), birth=birth)
    assert resident_memory(mine)
    assert resident_memory(replace(mine, birth=birth - 1)) is None


def test_nothing_is_told_of_a_worker_elsewhere_or_of_a_dead_one() -> None:
    birth = birth_of(os.getpid()) or 0
    assert resident_memory(WorkerInfo(id="w1", host="elsewhere", pid=os.getpid(), birth=birth)) is None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        dead = WorkerInfo(id="w1", host=this_host(), pid=process.pid, birth=birth_of(process.pid) or 0)
    assert resident_memory(dead) is None


def test_the_list_of_workers_tells_it_and_the_overview_stays_calm(
    asked: Asked, url: str, large: tuple[WorkerInfo, int]
) -> None:
    info, least = large

    async def join() -> None:
        store = open_store(url)
        await store.join(info)
        await store.close()

    asyncio.run(join())
    (worker,) = asked("GET", "/api/v1/workers").json["workers"]
    assert worker["memory"] > least
    (brief,) = asked("GET", "/api/v1/overview").json["workers"]
    assert brief == {name: value for name, value in worker.items() if name != "memory"} | _beaten(brief)


def _beaten(worker: Any) -> dict[str, Any]:
    return {"beat_at": worker["beat_at"]}
