"""The page beside the demo, in a process of its own, which does not outlive the demo. It runs no jobs."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

APP = "queuemgr.demo.tasks:app"
STORE = "QUEUEMGR_STORE"
PATIENCE = 8.0
PR_SET_PDEATHSIG = 1


class Page:
    """Shows the store; `told` gets its address once it answers, or nothing where it cannot start.

    What else it says goes to the file `log`.
    """

    def __init__(self, store: str, log: Path, told: Callable[[str], None]) -> None:
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(os.getpid())],
                env={**os.environ, STORE: store},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                process_group=0,  # Ctrl-C is for the demo, which then stops the page
            )
        self._told = told
        self._stopping = False
        self._hearing = threading.Thread(target=self._hear, name="queuemgr demo page", daemon=True)
        self._hearing.start()

    def stop(self) -> None:
        self._stopping = True
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self._process.kill()
        self._process.wait()
        self._hearing.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        url = self._process.stdout.readline().decode().strip()
        if not self._stopping:
            self._told(url)


def has_display() -> bool:
    """Whether somebody would see a browser that is opened here."""
    return sys.stdout.isatty() and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main(parent: int) -> None:
    from queuemgr.service.places import Place
    from queuemgr.service.web.config import PORT, WebConfig
    from queuemgr.service.web.serving import is_free, serve

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:
        place = Place(os.environ[STORE], APP)
        config = WebConfig(place=place, port=PORT if is_free(PORT) else 0)
        serve(config, lambda url: print(url, flush=True))


if __name__ == "__main__":
    main(int(sys.argv[1]))
