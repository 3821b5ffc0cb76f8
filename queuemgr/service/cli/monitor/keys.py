"""Keys from the terminal, one at a time and without an echo. What they mean is not known here."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
_KEY = re.compile(r"\x1b[\[O]([A-D])|\x1b[\[O]?[0-9;]*[A-Za-z~]?|(.)", re.DOTALL)


@contextmanager
def pressed_keys() -> Iterator[asyncio.Queue[str]]:
    """While inside, keys arrive in the queue; afterwards the terminal is as it was. Without a terminal none arrive."""
    keys: asyncio.Queue[str] = asyncio.Queue()
    if not sys.stdin.isatty():
        yield keys
        return
    descriptor = sys.stdin.fileno()
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        data = os.read(descriptor, 1024)
        if not data:
            loop.remove_reader(descriptor)
        for key in keys_in(data.decode("utf-8", "replace")):
            keys.put_nowait(key)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield keys
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def keys_in(text: str) -> list[str]:
    """Letters as they are, arrows as words; other control sequences are passed over."""
    found = (_ARROWS.get(match[1], "") if match[1] else match[2] or "" for match in _KEY.finditer(text))
    return [key for key in found if key]
