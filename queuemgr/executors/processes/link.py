"""The worker's line to one zygote: starts it, sends it orders, and notices its end. It does not start it again."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from queuemgr.signals import signal_name

from .frames import Ready, decode_news, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .frames import Config, Frame, News

MESSAGE = 1 << 18  # bytes that hold any news
# It finds modules where this process does, however that came to look there.
_PROGRAM = f"""
import os, socket, sys
control = socket.socket(fileno=int(sys.argv[1]))
sys.path[:] = os.fsdecode(control.recv({MESSAGE})).split(chr(0))
from queuemgr.executors.processes.zygote import main
main(control)
"""


class Link:
    """Starts a zygote. `on_news` is called with what it says, `on_end` with its exit status, as subprocess gives it.

    Raises OSError where it cannot be started.
    """

    def __init__(self, config: Config, on_news: Callable[[News], None], on_end: Callable[[int], None]) -> None:
        self.ready = False
        self.begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._on_news = on_news
        self._on_end = on_end
        self._outbox: deque[tuple[bytes, Sequence[int]]] = deque()
        self._loop = asyncio.get_running_loop()
        self.started_at = self._loop.time()
        self.ended = self._loop.create_future()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._process, self._watch = _start(theirs.fileno())
        except OSError:
            self._socket.close()
            raise
        self._socket.send(os.fsencode("\0".join(sys.path)))
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._read)
        self._loop.add_reader(self._watch, self._end)
        self.send(config)

    def send(self, order: Frame, descriptors: Sequence[int] = ()) -> None:
        """Never waits. The descriptors are closed here once the zygote has them."""
        self._outbox.append((encode(order), descriptors))
        if len(self._outbox) == 1:
            self._write()

    async def close(self, patience: float) -> None:
        """Hang up, which ends the zygote and all its children; kill it after `patience` seconds."""
        if not self.ready:
            self._process.kill()  # it is importing, and would not notice
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await asyncio.shield(self.ended)
                return
        self._process.kill()
        await self.ended

    def _write(self) -> None:
        while self._outbox:
            data, descriptors = self._outbox[0]
            try:
                socket.send_fds(self._socket, [data], descriptors)
            except BlockingIOError:
                self._loop.add_writer(self._socket, self._write)
                return
            except OSError:
                break  # it has ended, which will be noticed
            _close(descriptors)
            self._outbox.popleft()
        self._loop.remove_writer(self._socket)
        self._forget()

    def _forget(self) -> None:
        for _, descriptors in self._outbox:
            _close(descriptors)
        self._outbox.clear()

    def _read(self) -> bool:
        try:
            data = self._socket.recv(MESSAGE)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True  # it ended with orders unread; the kernel says so before it hands out what it had said
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._socket)
            return False
        news = decode_news(data)
        if isinstance(news, Ready):
            self.ready = True
            self.begun.set_result(True)
        self._on_news(news)
        return True

    def _end(self) -> None:
        while self._read():
            pass
        for descriptor in (self._socket.fileno(), self._watch):
            self._loop.remove_reader(descriptor)
        self._loop.remove_writer(self._socket)
        self._forget()
        self._socket.close()
        os.close(self._watch)
        status = self._process.wait()
        if not self.ready:
            self.begun.set_result(False)
        self._on_end(status)
        self.ended.set_result(status)


def how_it_ended(status: int) -> str:
    """`status` is as subprocess gives it."""
    return f"was ended by {signal_name(-status)}" if status < 0 else f"ended with exit status {status}"


def _start(descriptor: int) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and a descriptor that can be read once it has ended."""
    # Started anew instead of forked: it inherits no thread, no lock and no open file of the worker.
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(descriptor)],
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        start_new_session=True,
    )
    try:
        return process, os.pidfd_open(process.pid)
    except OSError:
        process.kill()
        process.wait()
        raise


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
