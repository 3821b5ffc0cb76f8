"""What the kernel tells of processes, and settings that Python has no function for. For nothing but Linux."""

from __future__ import annotations

import ctypes
import os
import signal
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_prctl = ctypes.CDLL(None).prctl


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as it was seen: a pid alone may belong to another one a moment later."""

    pid: int
    birth: int

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def send(self, number: int) -> None:
        """A signal, to this process and no other that got its pid since. Nothing if it is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            return
        try:
            found = _read_stat(self.pid)
            if found is not None and found[2] == self.birth:
                with suppress(OSError):
                    signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def die_with_parent(number: int) -> None:
    """Have the kernel send this process the signal when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none gets out of sight."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(roots: Iterable[int]) -> list[Seen]:
    """All that live below these processes, zombies left out."""
    below = defaultdict(list)
    for pid in _pids():
        if (found := _read_stat(pid)) is not None:
            state, parent, birth = found
            below[parent].append((state, Seen(pid, birth)))
    waiting, all_found = list(roots), []
    while waiting:
        for state, seen in below.pop(waiting.pop(), ()):
            waiting.append(seen.pid)
            if state not in (b"Z", b"X"):
                all_found.append(seen)
    return all_found


def forget_peak() -> None:
    """Let the peak that resource.getrusage tells begin anew, where the kernel can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_bytes(b"5")


def count_threads() -> int:
    """Threads of this process."""
    return len(list(Path("/proc/self/task").iterdir()))


def footprint() -> tuple[int, frozenset[str]]:
    """What a fork of this process would lack, and what it would share: its threads and its open files."""
    files = {f"{one.name} {one.readlink()}" for one in Path("/proc/self/fd").iterdir() if one.exists()}
    return count_threads(), frozenset(files)


def own_memory() -> int:
    """Bytes of this process that are in memory and belong to no file. A fork has as many as its parent."""
    fields = _statm()
    return fields[1] - fields[2]


def data_memory() -> int:
    """Bytes of this process that RLIMIT_DATA counts, and its stack."""
    return _statm()[5]


def _pids() -> list[int]:
    with os.scandir("/proc") as entries:
        return [int(entry.name) for entry in entries if entry.name.isdigit()]


def _statm() -> list[int]:
    """See proc_pid_statm(5); in bytes."""
    size = os.sysconf("SC_PAGESIZE")
    return [int(field) * size for field in Path("/proc/self/statm").read_bytes().split()]


def _read_stat(pid: int) -> tuple[bytes, int, int] | None:
    """State, parent and birth: fields 3, 4 and 22 of proc_pid_stat(5). The name before may hold anything."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[19])
