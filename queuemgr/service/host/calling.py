"""Asks a running service, for synchronous and asynchronous callers: no thread, no polling. It starts no service.

Whoever waits for an answer learns at once when the service dies.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import threading
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from queuemgr.errors import EncodingError, OperationTimeout, ServiceGone, ServiceNotRunning

from .address import short
from .telling import raised
from .wire import Answer, Inbox, Request, decode_answer, encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_ANSWER = 1 << 32
READ = 256 * 1024
COMMAND_TIMEOUT = 30.0


class Caller:
    """For synchronous code; may be shared by threads and carried over a fork.

    Each call that waits holds a connection of its own, and those that are free are used again. `timeout` is for how
    many seconds a call waits for its answer, None for ever. `by` names the person who asks, for the audit list.
    """

    def __init__(self, path: Path, timeout: float | None = COMMAND_TIMEOUT, by: str | None = None) -> None:
        self._path = path
        self._timeout = timeout
        self._by = by
        self._lock = threading.Lock()
        self._free: list[_Line] = []
        self._pid = os.getpid()

    def call(self, operation: str, arguments: dict[str, Any] | None = None, **how: float | None) -> Any:
        """The result. `timeout=...` for this call alone.

        Raises ServiceNotRunning, ServiceGone where it died amidst, OperationTimeout, and what the operation raises.
        """
        timeout = how.get("timeout", self._timeout) if how else self._timeout
        line = self._take()
        line.socket.settimeout(timeout)
        try:
            answer = line.ask(Request(next(line.ids), operation, arguments or {}, self._by))
        except TimeoutError as error:
            line.close()
            raise OperationTimeout(operation, timeout or 0.0) from error
        except BaseException:
            line.close()  # its answer may still come, and nobody waits for that
            raise
        with self._lock:
            self._free.append(line)
        return _value(answer)

    def close(self) -> None:
        with self._lock:
            free, self._free = self._free, []
        for line in free:
            line.close()

    def _take(self) -> _Line:
        with self._lock:
            if self._pid != os.getpid():
                self._free, self._pid = [], os.getpid()
            while self._free:
                line = self._free.pop()
                if line.alive:
                    return line
                line.close()
        return _Line(_connect(self._path), self._path)


class _Line:
    """One connection, one call at a time."""

    def __init__(self, connected: socket.socket, path: Path) -> None:
        self.socket = connected
        self._path = path
        self._inbox = Inbox(LARGEST_ANSWER)
        self.ids = itertools.count(1)

    @property
    def alive(self) -> bool:
        # With a time-out of its own, Python would wait for something to read first.
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def ask(self, request: Request) -> Answer:
        """Raises ServiceGone, TimeoutError."""
        try:
            for part in _encoded(request):
                self.socket.sendall(part)
            while data := self.socket.recv(READ):
                for message in self._inbox.feed(data):
                    return decode_answer(message)
        except ConnectionError:
            pass
        raise _gone(request.operation, self._path)

    def close(self) -> None:
        self.socket.close()


class AsyncCaller:
    """For asynchronous code: all calls of an event loop share one connection, which is made when it is needed.

    Another loop that goes on after the first one has ended gets a connection of its own.
    """

    def __init__(self, path: Path, timeout: float | None = COMMAND_TIMEOUT) -> None:
        self._path = path
        self._timeout = timeout
        self._connecting = asyncio.Lock()
        self._connection: _Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(self, operation: str, arguments: dict[str, Any] | None = None, **how: float | None) -> Any:
        """As `Caller.call`."""
        timeout = how.get("timeout", self._timeout) if how else self._timeout
        try:
            async with asyncio.timeout(timeout):
                connection = await self._connected()
                answer = await connection.ask(operation, arguments or {})
        except TimeoutError as error:
            raise OperationTimeout(operation, timeout or 0.0) from error
        return _value(answer)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.hang_up()
            self._connection = None

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            await self.close()
            self._loop, self._connecting = loop, asyncio.Lock()
        async with self._connecting:
            if self._connection is None or not self._connection.alive:
                connected = _connect(self._path)
                connected.setblocking(False)
                made = _Connection(self._path, connected, loop)
                await loop.create_unix_connection(lambda: made, sock=connected)
                self._connection = made
        return self._connection


class _Connection(asyncio.Protocol):
    def __init__(self, path: Path, connected: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self.alive = True
        self._path = path
        self._socket = connected
        self._loop = loop
        self._inbox = Inbox(LARGEST_ANSWER)
        self._ids = itertools.count(1)
        self._waiting: dict[int, tuple[str, asyncio.Future[Answer]]] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._transport: asyncio.Transport | None = None

    async def ask(self, operation: str, arguments: dict[str, Any]) -> Answer:
        number = next(self._ids)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        parts = _encoded(Request(number, operation, arguments))
        self._waiting[number] = operation, answered
        try:
            for part in parts:
                if self._transport is None:
                    raise _gone(operation, self._path)
                self._transport.write(part)
                await self._room.wait()
            return await answered
        finally:
            self._waiting.pop(number, None)

    def hang_up(self) -> None:
        """May be called from another loop, too."""
        if self._loop.is_closed():
            self._socket.close()
        elif self._transport is not None:
            self._loop.call_soon_threadsafe(self._transport.close)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self.alive = False
        self._transport = None
        self._room.set()
        for operation, answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(_gone(operation, self._path))

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def data_received(self, data: bytes) -> None:
        for message in self._inbox.feed(data):
            answer = decode_answer(message)
            _, answered = self._waiting.get(answer.id or 0, ("", None))
            if answered is not None and not answered.done():
                answered.set_result(answer)


def _connect(path: Path) -> socket.socket:
    """Raises ServiceNotRunning."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short(path) as address:
            connected.connect(address)
    except OSError as error:
        connected.close()
        why = "you may not ask it" if isinstance(error, PermissionError) else "start it (queuemgr-cli service start)"
        raise ServiceNotRunning(f"no service answers at {path} ({error.strerror}): {why}") from error
    return connected


def _encoded(request: Request) -> Iterator[bytes]:
    """Raises EncodingError before anything is sent."""
    try:
        _require_plain(request.arguments, "arguments")
    except RecursionError as error:
        raise EncodingError(f"the arguments of {request.operation} are nested too deeply to be sent") from error
    return encode(request)


def _require_plain(value: Any, where: str) -> None:
    """Raises EncodingError for what would not arrive as it is."""
    match value:
        case None | bool() | int():
            return
        case str():
            _require_text(value, where)
        case float() if isfinite(value):
            return
        case dict():
            for name, item in value.items():
                if not isinstance(name, str):
                    raise EncodingError(f"{where} has the key {name!r}, which is no text: JSON knows no other keys")
                _require_text(name, where)
                _require_plain(item, f"{where}.{name}")
        case list() | tuple():
            for number, item in enumerate(value):
                _require_plain(item, f"{where}[{number}]")
        case _:
            raise EncodingError(f"{where} is {value!r:.60}, a {type(value).__name__}, which JSON has no form for")


def _require_text(value: str, where: str) -> None:
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        told = f"{where} has a lone surrogate at position {error.start}, which no encoding can carry"
        raise EncodingError(f"{told}: clean it with .encode(errors='replace').decode()") from error


def _value(answer: Answer) -> Any:
    if answer.error is not None:
        raise raised(answer.error)
    return answer.result


def _gone(operation: str, path: Path) -> ServiceGone:
    return ServiceGone(f"the service at {path} ended before it answered {operation}: look whether it was carried out")
