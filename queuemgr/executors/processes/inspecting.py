"""Looks into a running job: its processes as the kernel sees them, and where its code stands. It changes nothing.

The stack is written by the job's process itself, into a file without a name that it holds open (child.py).
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .child import STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

PATIENCE = 0.5
LOOK = 0.005
MOST_FILES = 100
MOST_STACK = 64 * 1024


async def inspect(pid: int, ask: Callable[[], None] | None) -> dict[str, Any]:
    """{"pid", "processes", "stack"}; the stack is None where it could not be told.

    `ask` has the process write its stack; None where it cannot just now.
    """
    stack = None if ask is None else await _stack(pid, ask)
    return {"pid": pid, "processes": await asyncio.to_thread(_tree, pid), "stack": stack}


async def _stack(pid: int, ask: Callable[[], None]) -> str | None:
    file = _stack_file(pid)
    if file is None:
        return None
    with suppress(OSError):
        os.truncate(file, 0)
        ask()
        size = 0
        for _ in range(int(PATIENCE / LOOK)):
            await asyncio.sleep(LOOK)
            before, size = size, file.stat().st_size
            if size and size == before:
                return file.read_bytes()[:MOST_STACK].decode(errors="replace")
    return None


def _stack_file(pid: int) -> Path | None:
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if STACK_NAME in str(file.readlink()):
                    return file
    return None


def _tree(pid: int) -> list[dict[str, Any]]:
    """The process and all below it, the first of them itself."""
    import psutil

    try:
        top = psutil.Process(pid)
        found = [top, *top.children(recursive=True)]
    except psutil.Error:
        return []
    return [facts for one in found if (facts := _facts(one))]


def _facts(process: psutil.Process) -> dict[str, Any] | None:
    import psutil

    try:
        with process.oneshot():
            times = process.cpu_times()
            return {
                "pid": process.pid,
                "parent": process.ppid(),
                "command": " ".join(process.cmdline()) or process.name(),
                "state": process.status(),
                "cpu": times.user + times.system,
                "memory": process.memory_info().rss,
                "threads": process.num_threads(),
                "started_at": process.create_time(),
                "files": [file.path for file in process.open_files()[:MOST_FILES]],
            }
    except psutil.Error:
        return None
