"""A network between a program and its server: it can be cut, cut in the midst of an answer, stalled and slow.

It may also lose its patience. It runs in a thread of its own and looks at no byte that it carries.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

CHUNK = 1 << 16
TOO_LATE = b"HTTP/1.1 504 Too Late\r\ncontent-type: text/html\r\ncontent-length: 8\r\nconnection: close\r\n\r\ntoo late"


class Proxy:
    """A context manager that listens on a port of its own. `to`, the server's port, may be changed at any time."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.delay = 0.0
        self.held = 0  # questions and answers that have come since it is stalled
        self.patience: float | None = None  # seconds in which an answer must begin, or it says 504 in its stead
        self._cut_after: int | None = None
        self._flowing: asyncio.Event
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._open)
        return self

    def __exit__(self, *error: object) -> None:
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """End all connections at once; new ones are welcome."""
        self._do(self._cut)

    def cut_in_an_answer(self, after: int = 0) -> None:
        """Let so many more bytes of answers pass, and then cut the connection that they came on."""
        self._cut_after = after

    def stall(self) -> None:
        """Carry nothing, and say nothing of it, until `flow`. New connections are accepted and lead nowhere."""
        self.held = 0
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.set)

    def _do(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)

    async def _open(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        carriers = asyncio.all_tasks() - {asyncio.current_task()}
        for carrier in carriers:
            carrier.cancel()
        await asyncio.gather(*carriers, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        waiting = _Waiting(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.to)
            ends.append(back)
            waiting.back = back
            self._writers.update(ends)
            await asyncio.gather(self._pump(reader, back, waiting), self._pump(there, writer, waiting, answers=True))
        except OSError:
            pass  # one side has ended: so has the other
        finally:
            waiting.end()
            self._writers.difference_update(ends)
            for end in ends:
                end.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, waiting: _Waiting, answers: bool = False
    ) -> None:
        while data := await source.read(CHUNK):
            waiting.end()
            if self.patience is not None and not answers:
                waiting.begin(self.patience)
            await asyncio.sleep(self.delay)
            self.held += not self._flowing.is_set()
            await self._flowing.wait()
            if answers and self._cut_after is not None:
                data, self._cut_after = data[: self._cut_after], None
                target.write(data)
                await target.drain()
                break
            target.write(data)
            await target.drain()
        raise ConnectionResetError


class _Waiting:
    """For an answer to one connection, as long as the proxy has the patience."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.back: asyncio.StreamWriter | None = None
        self._writer = writer
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, patience: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(patience, self._give_up)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        if self.back is not None:
            self.back.transport.abort()
        self._writer.write(TOO_LATE)
        self._writer.transport.close()
