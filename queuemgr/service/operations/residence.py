"""How much memory a worker takes on this machine, as the kernel tells it. It asks no worker and no store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.liveness import birth_of, this_host

if TYPE_CHECKING:
    from queuemgr.store import WorkerInfo

STEP = 1024 * 1024
"""Bytes to which it is rounded up, so that whoever follows the workers is not told of every page."""


def resident_memory(info: WorkerInfo) -> int | None:
    """Bytes that the worker and the processes below it have in memory; what they share counts for each.

    None where it runs on another machine, is dead, or the system does not tell.
    """
    if info.host != this_host():
        return None
    found = _of_tree(info.pid)
    # Asked afterwards: as long as the process is the same, nobody else can have had its pid.
    if not found or birth_of(info.pid) != info.birth:
        return None
    return -(-found // STEP) * STEP


def _of_tree(pid: int) -> int:
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        total += _of_process(one)
        waiting += _children(one)
    return total


def _of_process(pid: int) -> int:
    """0 once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_bytes().split()]
    except OSError:
        return []
