"""The demo's workers under a supervisor of their own, and the hand that kills one. They do not outlive the demo."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from queuemgr.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

APP = "queuemgr.demo.tasks:app"
CONCURRENCY = 4
GRACE = 1.0
PR_SET_PDEATHSIG = 1


class Crew:
    """`processes` workers on the store; what they say goes to the file `log`."""

    def __init__(self, store: str, processes: int, log: Path) -> None:
        from .tasks import STORE

        self.log = log
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(processes), str(os.getpid())],
                env={**os.environ, STORE: store},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                process_group=0,  # Ctrl-C is for the demo, which then stops its workers
            )

    def check(self) -> None:
        """Raises ConfigError where the workers have given up."""
        if self._process.poll() is not None:
            said = self.log.read_text(errors="replace").strip().splitlines()
            last = said[-1] if said else "they said nothing"
            raise ConfigError(f"the workers have ended: {last} (all that they said: {self.log})")

    @property
    def pids(self) -> set[int]:
        import psutil

        with suppress(psutil.Error):
            return {child.pid for child in psutil.Process(self._process.pid).children()}
        return set()

    def kill(self, pid: int) -> bool:
        """`kill -9` for one of the workers, and for nobody else; False where it is none of them."""
        if pid not in self.pids:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def stop(self) -> None:
        """End all of them, in the end by force. Jobs that they hold go back to the queue."""
        try:
            for patience in (2 * GRACE, 2 * GRACE, GRACE):
                self._process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience)
                    return
        finally:
            self._process.kill()
            self._process.wait()


def main(processes: int, parent: int) -> int:
    from queuemgr.manager.supervisor import supervise

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return 1
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    return supervise(APP, processes, concurrency=CONCURRENCY, grace=GRACE)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
