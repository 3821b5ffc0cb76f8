"""`jobs.rerun` in a process that is killed half way: there is the whole new job or none, and the first is as it was."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr import App
from queuemgr.clock import SystemClock
from queuemgr.job import Job, State
from queuemgr.service.operations.rerunning import rerun_job

if TYPE_CHECKING:
    from queuemgr.store import Snapshot

PROGRAM = Path(__file__).with_name("rerun_program.py")
ROOT = PROGRAM.parents[2]
ASKED: dict[str, Any] = {
    "args": b'[["a"],{"b":1}]',
    "queue": "mail",
    "priority": 7,
    "tags": ("x",),
    "options": {"timeout": 5.0},
}


async def jobs_of(app: App) -> list[Snapshot]:
    return list((await app.aio.store.dump(None, 10))[0])


async def state(app: App, job_id: str) -> State:
    return (await app.aio.get(job_id)).state


@pytest.mark.crash
@pytest.mark.parametrize(
    ("verb", "when", "made"), [("dump", "before", 0), ("enqueue", "before", 0), ("enqueue", "after", 1)]
)
def test_a_rerun_that_is_killed_leaves_a_whole_job_or_none(tmp_path: Path, verb: str, when: str, made: int) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"

    async def before() -> None:
        app = App(url)
        await app.aio.store.open()
        await app.aio.store.enqueue([Job(id="first", task="t", created_at=SystemClock.now(), held=True, **ASKED)])
        await app.aio.store.close()

    async def after() -> None:
        app = App(url)
        await app.aio.store.open()
        first, *others = await jobs_of(app)
        assert (first.job.id, await state(app, "first"), len(others)) == ("first", State.HELD, made)
        await rerun_job(app.aio, None, "first")
        _, *others = await jobs_of(app)
        assert len({one.job.id for one in others}) == len(others) == made + 1
        assert all({name: getattr(one.job, name) for name in ASKED} == ASKED for one in others)
        assert {await state(app, one.job.id) for one in others} == {State.READY}
        await app.aio.store.close()

    asyncio.run(before())
    words = [sys.executable, str(PROGRAM), url, "first", verb, when]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    asyncio.run(after())
