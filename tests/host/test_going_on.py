"""What the service does over and over goes on after any error, and what ends it is said by its own name."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from queuemgr.errors import ConfigError, StoreError
from queuemgr.service.host import alignment
from queuemgr.service.host.config import HostConfig
from queuemgr.service.host.host import Host
from tests.journal.rig import Bench, using

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = [ConfigError("the folder belongs to another store"), StoreError("it is away"), ZeroDivisionError("a mistake")]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_the_store_is_cleaned_again_after_any_error(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    host, swept = Host(HostConfig(cleanup_interval=0.01)), asyncio.Event()
    calls: list[str] = []

    class Parts:
        async def prune(self) -> int:
            calls.append("prune")
            if len(calls) < 3:
                raise error
            return 0

        async def sweep(self) -> None:
            swept.set()

    parts: Any = Parts()
    host._client, host._retention = parts, parts

    async def scene() -> None:
        cleaning = asyncio.create_task(host._clean_always())
        async with asyncio.timeout(20):
            await swept.wait()
        cleaning.cancel()

    asyncio.run(scene())
    assert caplog.text.count(str(error)) >= 2


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_the_registry_is_compared_again_after_any_error(
    error: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alignment, "GLANCE", 0.01)

    async def body(bench: Bench) -> None:
        looked, glance, looks = asyncio.Event(), bench.alignment._glance, []

        def look() -> bool:
            looks.append(1)
            if len(looks) < 3:
                raise error
            looked.set()
            return glance()

        monkeypatch.setattr(bench.alignment, "_glance", look)
        aligning = asyncio.create_task(bench.alignment.run())
        async with asyncio.timeout(20):
            await looked.wait()
        aligning.cancel()
        await asyncio.gather(aligning, return_exceptions=True)

    using(tmp_path, body)
    assert caplog.text.count(str(error)) >= 2


PROGRAM = """
import os, sys
from queuemgr.service.host import running

def run(config, on_ready, life_line):
    {before}
    raise OSError("the disk is gone")

running.run = run
sys.argv[1:] = [str(int(sys.argv[1])), "alone"]
sys.exit(running.main())
"""
# By then its end of the line may be any other file of the process.
READY = """on_ready()
    while os.open("other", os.O_CREAT | os.O_WRONLY) < int(sys.argv[1]):
        pass
"""


@pytest.mark.parametrize(
    ("before", "what", "heard"),
    [("", "cannot start", "gone"), (READY, "ended", "ready")],
    ids=["at its start", "later"],
)
def test_an_error_is_told_to_the_starter_before_it_is_ready_and_to_the_log_ever_after(
    tmp_path: Path, before: str, what: str, heard: str
) -> None:
    read, write = os.pipe()
    with os.fdopen(read) as said:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(before=before), str(write)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(write,),
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            text=True,
        )
        os.close(write)
        _, log = process.communicate(json.dumps({}), timeout=60)
        assert heard in said.read()
    assert process.returncode == 1
    assert f"the service {what}: the disk is gone" in log
    assert not (tmp_path / "other").exists() or (tmp_path / "other").read_bytes() == b""
