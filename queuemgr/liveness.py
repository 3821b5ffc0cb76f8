"""Tells whether a worker still lives: by the kernel on this machine, by its silence on others. It asks no store."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

Life = tuple[str, int, int]
"""A process, of however many have had a worker's name: its host, its pid and its birth."""


@cache
def this_host() -> str:
    """Names this boot of this kernel and the process namespace: pids mean the same where this is the same."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        import platform

        return f"{platform.node()}/{platform.system()}"


def life_here() -> Life:
    return this_host(), os.getpid(), birth_of(os.getpid()) or 0


def birth_of(pid: int) -> int | None:
    """When the process began, in a unit of its own, so that a pid used again is not taken for it; None once it is dead.

    A zombie is dead: it runs nothing any more. Source: proc_pid_stat(5), fields 3 and 22.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if os.path.isdir("/proc/self") else _birth_without_proc(pid)
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def lives(pid: int, birth: int) -> bool:
    return birth_of(pid) == birth


def is_alive(host: str, pid: int, birth: int, silence: float, lease: float) -> bool:
    """On this machine the kernel knows; elsewhere a worker is alive unless it was silent for longer than its lease."""
    return lives(pid, birth) if host == this_host() else silence <= lease


def _birth_without_proc(pid: int) -> int | None:
    import psutil

    try:
        return int(psutil.Process(pid).create_time() * 100)
    except psutil.Error:
        return None
