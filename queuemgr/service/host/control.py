"""The service's end of the control socket: takes requests of this user and root, many at a time. It decides nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import ProcessControlError, QueuemgrError
from queuemgr.service.operations.table import OPERATIONS

from .address import short
from .telling import told
from .wire import Answer, BadMessage, Inbox, Request, decode_request, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    CarryOut = Callable[[str, dict[str, Any], str | None], Awaitable[Any]]

log = logging.getLogger("queuemgr.service")

MOST_AT_ONCE = 1000
LARGEST_REQUEST = 256 * 1024 * 1024
_CREDENTIALS = struct.Struct("iII")


class Control:
    """Listens at `path`; `carry_out` is given an operation's name, its arguments, and for whom that is asked."""

    def __init__(self, path: Path, carry_out: CarryOut) -> None:
        self._path = path
        self._carry_out = carry_out
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def open(self) -> None:
        """Take the place of a socket that a dead service left behind. Raises OSError."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            before = os.umask(0o177)
            try:
                with short(self._path) as address:
                    listening.bind(address)
            finally:
                os.umask(before)
            listening.setblocking(False)
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(self._connect, sock=listening, backlog=512)
        except BaseException:
            listening.close()
            raise

    async def close(self) -> None:
        """Let answers that are under way go out, and hang up."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        for connection in list(self._connections):
            connection.hang_up()
        await asyncio.sleep(0)

    def _connect(self) -> _Connection:
        return _Connection(self._carry_out, self._connections)


class _Connection(asyncio.Protocol):
    def __init__(self, carry_out: CarryOut, connections: set[_Connection]) -> None:
        self._carry_out = carry_out
        self._connections = connections
        self._inbox = Inbox(LARGEST_REQUEST)
        self._running: dict[asyncio.Task[None], bool] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if not _is_allowed(transport.get_extra_info("socket")):
            transport.abort()
            return
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        self._room.set()
        # What only looks has nobody to tell any more; what changes is carried through.
        for task, changes in self._running.items():
            if not changes:
                task.cancel()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._inbox.feed(data):
                self._begin(message)
        except BadMessage as error:
            self._refuse(error)
            self.hang_up()

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _begin(self, message: bytes) -> None:
        try:
            request = decode_request(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(BadMessage(f"no request ({error}): write {{'id', 'operation', 'arguments'}} in JSON"))
            return
        operation = OPERATIONS.get(request.operation)
        task = asyncio.get_running_loop().create_task(self._answer(request), name=f"queuemgr {request.operation}")
        self._running[task] = operation is not None and operation.changes
        task.add_done_callback(self._ended)
        if len(self._running) >= MOST_AT_ONCE and self._transport is not None:
            self._transport.pause_reading()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if len(self._running) < MOST_AT_ONCE and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def _answer(self, request: Request) -> None:
        try:
            answer = Answer(request.id, await self._carry_out(request.operation, request.arguments, request.by))
        except QueuemgrError as error:
            answer = Answer(request.id, error=told(error))
        except Exception as error:
            log.exception("the operation %s failed", request.operation)
            words = f"the service failed at {request.operation}: {type(error).__name__}: {error}; its log says more"
            answer = Answer(request.id, error=told(ProcessControlError("", request.operation, RuntimeError(words))))
        with suppress(ConnectionError):
            await self._send(answer)

    async def _send(self, answer: Answer) -> None:
        for part in encode(answer):
            if self._transport is None:
                return
            self._transport.write(part)
            if not self._room.is_set():
                await self._room.wait()

    def _refuse(self, error: BadMessage) -> None:
        if self._transport is not None:
            for part in encode(Answer(None, error=told(error))):
                self._transport.write(part)


def _is_allowed(connected: socket.socket) -> bool:
    data = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    if uid in (os.geteuid(), 0):
        return True
    log.warning("a request of pid %d was refused: it belongs to uid %d", pid, uid)
    return False
