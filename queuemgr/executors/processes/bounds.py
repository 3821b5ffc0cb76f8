"""What keeps a job within bounds: its memory limit, and an end to what it left running. It stops no job itself."""

from __future__ import annotations

import os
import resource
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from queuemgr.executor import outcome_of_error
from queuemgr.outcome import Failed, Outcome

from . import procinfo

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def limited(limit: int) -> Iterator[None]:
    """Let the process allocate no more than `limit` bytes beyond what it has.

    Raises MemoryError where it tries.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [procinfo.data_memory() + limit, *(one for one in (soft, hard) if one != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def outcome_within(error: BaseException, limit: int | None) -> Outcome:
    """What a task said by raising; names the limit where that was too low."""
    outcome = outcome_of_error(error)
    if limit is None or not isinstance(error, MemoryError) or not isinstance(outcome, Failed):
        return outcome
    words = f"it needs more than its memory_limit of {limit:,} bytes: raise that, or work on less at a time"
    said = outcome.error["message"]
    return replace(outcome, error={**outcome.error, "message": f"{words} ({said})" if said else words})


def sweep(rounds: int = 200) -> None:
    """End what is left running in this process's own group, without killing the group.

    Looks only once where nothing is left, and again after each of at most `rounds` milliseconds otherwise.
    """
    group = os.getpid()
    for _ in range(rounds):
        if not _reap():
            return
        left = [seen for seen in procinfo.descendants([group]) if _group_of(seen.pid) == group]
        for seen in left:
            seen.kill()
        if not left:
            _reap()  # who died since the last time
            return
        time.sleep(0.001)


def _reap() -> bool:
    """Take note of the children that ended. False where none is left, ended or not."""
    try:
        while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG) is not None:
            pass
    except ChildProcessError:
        return False
    return True


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
