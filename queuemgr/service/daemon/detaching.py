"""Turns this process into a daemon whose starter learns whether it came up. It serves nothing."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

READY = b"\n"


def detach() -> Messenger:
    """Go on in a process of its own, without a terminal. The one that called ends here, with the news as its code."""
    read, write = os.pipe()
    if os.fork():
        os.close(write)
        _wait_and_exit(read)
    os.close(read)
    os.setsid()
    if os.fork():
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDWR)
    sys.stdout.flush()
    sys.stderr.flush()
    for number in range(3):
        os.dup2(nothing, number)
    return Messenger(write)


class Messenger:
    """The daemon's line to whoever started it."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor

    def ready(self) -> None:
        self._say(READY)

    def failed(self, reason: str) -> None:
        self._say(reason.encode())

    def _say(self, words: bytes) -> None:
        if self._descriptor >= 0:
            os.write(self._descriptor, words)
            os.close(self._descriptor)
            self._descriptor = -1


def _wait_and_exit(descriptor: int) -> NoReturn:
    with open(descriptor, "rb") as said:
        words = said.read()
    if words == READY:
        os._exit(0)
    reason = words.decode(errors="replace") or "it ended before it was ready; its log says more"
    sys.stderr.write(f"queuemgr: the daemon did not start: {reason}\n")
    sys.stderr.flush()
    os._exit(1)
