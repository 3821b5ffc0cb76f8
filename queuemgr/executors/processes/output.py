"""What a run prints, on its way from the pipes of its process to its context. It never stops reading."""

from __future__ import annotations

import asyncio
import codecs
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.context import JobContext

READ = 64 * 1024  # bytes, as much as a pipe holds
LINE = 8 * 1024  # characters after which a line is passed on although it has not ended
DRAIN = 16  # reads after which a pipe that still is not empty is left to itself


class Output:
    """Passes on the first `limit` bytes of what a run prints and logs, by whole lines; counts the others."""

    def __init__(self, context: JobContext, limit: int) -> None:
        self._context = context
        self._limit = self._left = limit
        self._dropped = 0
        self._lines: dict[str, _Lines] = {}

    def feed(self, stream: str, data: bytes) -> None:
        """Take what was read from a pipe."""
        if data := data[: self._allow(len(data))]:
            lines = self._lines.get(stream)
            if lines is None:
                lines = self._lines[stream] = _Lines()
            self._pass(stream, lines.add(data))

    def say(self, stream: str, text: str) -> None:
        """Take what was sent as a text."""
        data = text.encode()
        allowed = self._allow(len(data))
        self._pass(stream, text if allowed == len(data) else data[:allowed].decode(errors="ignore"))

    def end(self) -> None:
        """Pass on the lines that did not end, and say how much was dropped."""
        for stream, lines in self._lines.items():
            self._pass(stream, lines.end())
        self._lines.clear()
        if self._dropped:
            words = f"{self._dropped:,} bytes of output were dropped: {self._limit:,} bytes of a run are kept"
            self._pass("log", f"WARNING queuemgr: {words}")

    def _allow(self, size: int) -> int:
        allowed = min(size, self._left)
        self._left -= allowed
        self._dropped += size - allowed
        return allowed

    def _pass(self, stream: str, text: str) -> None:
        if text:
            self._context.output(stream, text)


class _Lines:
    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def add(self, data: bytes) -> str:
        """The text as far as its lines are whole."""
        text = self._rest + self._decode(data)
        end = text.rfind("\n") + 1
        if len(text) - end > LINE:
            end = len(text)
        self._rest = text[end:]
        return text[:end]

    def end(self) -> str:
        return self._rest + self._decode(b"", True)


class Pipe:
    """The read end of a stdout or stderr. Gives what it reads to `take`, at once as soon as it is to `listen`."""

    def __init__(self, descriptor: int, take: Callable[[bytes], None]) -> None:
        self.closed = self._listens = False
        self._descriptor = descriptor
        self._take = take
        self._loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)

    def listen(self) -> None:
        if not self.closed and not self._listens:
            self._listens = True
            self._loop.add_reader(self._descriptor, self._read)

    def drain(self) -> None:
        """Read what is there already."""
        for _ in range(DRAIN):
            if self.closed or not self._read():
                return

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            if self._listens:
                self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> bool:
        try:
            data = os.read(self._descriptor, READ)
        except BlockingIOError:
            return False
        if data:
            self._take(data)
        else:
            self.close()
        return bool(data)
