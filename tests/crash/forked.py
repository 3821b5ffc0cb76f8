"""Processes of the crash program without the half second that an interpreter takes to import it: forks of warm.py.

It is for processes of this machine; what pretends to be elsewhere needs an interpreter of its own.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

WARM = Path(__file__).with_name("warm.py")


class Forked:
    """One of them, to be used as a `subprocess.Popen` is. What warm.py says of it comes by `told`."""

    def __init__(self, told: int) -> None:
        self._told = told
        self._said = b""
        while b" " not in self._said:
            assert self._hear(), "warm.py has ended"
        self.pid = int(self._said.partition(b" ")[0])
        self.returncode: int | None = None

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            ready, _, _ = select.select([self._told], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            while self._hear():
                pass
            os.close(self._told)
            self.returncode = int(self._said.partition(b" ")[2] or -signal.SIGKILL)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _hear(self) -> bytes:
        said = os.read(self._told, 64)
        self._said += said
        return said


class Warm:
    """The process that they are forked from. Its end is theirs."""

    def __init__(self, path: str) -> None:
        self._control, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, str(WARM), str(its.fileno())],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[its.fileno()],
            )

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, output: IO[bytes]) -> Forked:
        order = json.dumps([list(arguments), dict(environment), str(folder)]).encode()
        told, its = os.pipe()
        socket.send_fds(self._control, [order], [output.fileno(), its])
        os.close(its)
        return Forked(told)

    def sweep(self) -> None:
        """End what those that are dead have left behind: the test is over."""
        self._control.send(json.dumps([[], {}, ""]).encode())

    def close(self) -> None:
        self._control.close()
        self._process.wait()
