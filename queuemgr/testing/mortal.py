"""Processes that a test may kill in a worker's place, and helpers that use a store from another process."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Self

from queuemgr.liveness import birth_of, this_host

if TYPE_CHECKING:
    from types import TracebackType


def this_process() -> tuple[str, int, int]:
    """Host, process id and birth of the process that runs the tests."""
    birth = birth_of(os.getpid())
    assert birth is not None
    return this_host(), os.getpid(), birth


class Mortal:
    """A process that does nothing but live, until it is killed or the test is over."""

    def __init__(self) -> None:
        # It ends by itself when its input is closed, so that it does not outlive a test run that was killed.
        self._process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.pid = self._process.pid
        birth = birth_of(self.pid)
        assert birth is not None
        self.birth = birth

    def kill(self) -> None:
        """Kill it as the kernel does when memory runs out, and return when it is dead."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            if self._process.poll() is None:
                self.kill()
