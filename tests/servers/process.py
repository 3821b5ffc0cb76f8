"""A server in a process of its own, which a test may stop, kill and start again. It knows no particular server."""

from __future__ import annotations

import asyncio
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")
PATIENCE = 60.0
# Below the ports that a kernel gives to outgoing connections, so that a killed server finds its own one free again.
# A node of a Redis cluster takes the port 10,000 above its own, too: that must not be one that clients are given.
PORTS = range(12_000, 22_000)


class Server(ABC):
    """Its data are in a folder of its own. It ends with the thread that started it, even if that is killed."""

    user: str | None = None
    halt = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="queuemgr-server-"))
        if self.user:
            shutil.chown(self.folder, self.user)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address that a store of its kind takes, without parameters."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def answers(self) -> bool:
        """Whether it is ready for use."""

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> None:
        """Return when it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = self.spawn(self.command(), stdout=log, stderr=subprocess.STDOUT)
        until(self._has_begun)

    def stop(self) -> None:
        """As a service manager does."""
        self._end(self.halt)

    def kill(self) -> None:
        """As if its machine had lost its power."""
        if self._process is not None:
            family = psutil.Process(self._process.pid).children(recursive=True)
            self._end(signal.SIGKILL)
            for child in family:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            until(lambda: not any(map(lives, family)))

    def restart(self) -> None:
        self.kill()
        self.start()

    def close(self) -> None:
        """End it and forget its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def spawn(self, command: list[str], **how: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            ["setpriv", "--pdeathsig", "KILL", *command],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            user=self.user,
            **how,
        )

    def _has_begun(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the server has ended:\n{self.log()}"
        return self.answers()

    def _end(self, signum: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(PATIENCE)
            self._process = None


def free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def lives(process: psutil.Process) -> bool:
    """A zombie does not, even if nobody ever asks how it ended."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def until(look: Callable[[], T], patience: float = PATIENCE) -> T:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < end, f"nothing came within {patience} s"
        time.sleep(0.005)
    return found


async def until_async(look: Callable[[], T], patience: float = PATIENCE) -> T:
    """As `until`, while the event loop does its work."""
    end = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < end, f"nothing came within {patience} s"
        await asyncio.sleep(0.001)
    return found


@cache
def unprivileged() -> str | None:
    """Whom to run as what refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
