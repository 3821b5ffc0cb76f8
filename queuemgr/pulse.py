"""A worker's second heart: a process that beats for it while it lives, and tells the store at once when it died.

User code that holds the event loop or the whole interpreter cannot delay it. What it does is in manager/beating.py.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from .store import Store

log = logging.getLogger("queuemgr.worker")

PROGRAM = "queuemgr.manager.beating"


class Pulse:
    """Beats for the worker of this id from the first `keep` until `stop`."""

    def __init__(self, store: Store, worker: str) -> None:
        self._url = store.url
        self._worker = worker
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Start it, or start it again if it has ended. It is not waited for."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None:
            log.warning("the process that beats for this worker has ended (code %d)", self._process.returncode)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-m", PROGRAM]
        # The address may hold a password, which a command line would show to everyone on the machine.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
        assert self._process.stdin is not None
        with self._process.stdin as told:
            told.write(msgspec.json.encode((self._url, self._worker, os.getpid())))

    def stop(self) -> None:
        """The worker has left, or leaves its end to be noticed by its silence."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
