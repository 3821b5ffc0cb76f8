"""Runs scripts in the server, for threads and for event loops: it connects, tries again, and names what goes wrong.

It knows nothing of jobs.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import msgspec
from redis.exceptions import NoScriptError, RedisError, ResponseError

from queuemgr.errors import StoreUnavailable

from .address import shown
from .answers import packed
from .faults import fault_of
from .given_up import GivenUp
from .line import Line
from .loops import PerLoop
from .opening import VERSION, require_ours
from .scripts import script
from .tries import Tries
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuemgr.clock import Clock

    from .address import Address

FIRST_PATIENCE = 1.0
"""Seconds for which an address is tried under which nobody has ever answered: most probably it is wrong."""

TROUBLE = (RedisError, OSError, StoreUnavailable)

_encode = msgspec.msgpack.Encoder().encode
_GREETING = (_encode({"version": str(VERSION)}), b"")
# Connections of a parent process. To close them here could end them there.
_inherited: list[object] = []


class Server:
    """A server, as all threads and event loops of this process reach it.

    Parameters: `clock` where its own is not to count; `heard` is called with its time and the moment of the question.
    """

    def __init__(self, url: str, address: Address, clock: Clock | None, heard: Callable[[bytes, float], None]) -> None:
        self.address = address
        self.place = shown(url)
        self._heard = heard
        self._clock = clock
        self._base = address.base.encode()
        self._met = False
        self._lines = PerLoop(self._open_line)
        self._pid = os.getpid()
        self._idle: list[Wire] = []
        self._given_up = GivenUp()

    async def run(self, name: str, given: dict[str, Any]) -> Any:
        """What the script answers. Raises StoreError."""
        tries = self.tries()
        while True:
            line = None
            try:
                line = await self._lines.get()
                answer = await self._run_on(line, name, *self._packed(given, tries))
            except TROUBLE as error:
                pause = tries.failed(error)
                if line is not None:
                    # It may lead to a server that is not the right one any more.
                    line.close()
                await asyncio.sleep(pause)
            else:
                self._met = True
                return answer

    def prepared(self, name: str, given: dict[str, Any]) -> Callable[[], asyncio.Future[Any] | None] | None:
        """What asks it at once and once only, and gives what is to be awaited; None where that is not possible.

        It is to be called in this event loop. What is awaited raises RedisError.
        """
        line = self._lines.there()
        if line is None:
            return None
        packed_given = _encode(given)
        question = packed(self._words(line.name, name, packed_given, b"", ()))

        def ask() -> asyncio.Future[Any] | None:
            if line.lost or self._given_up.to_tell():
                return None
            if self._clock is None:
                return line.send(question)
            return line.send(packed(self._words(line.name, name, packed_given, self._time(), ())))

        return ask

    def run_now(self, name: str, given: dict[str, Any]) -> Any:
        """The same for a thread without an event loop."""
        tries = self.tries()
        while True:
            try:
                answer = self._run_on_any_wire(name, *self._packed(given, tries))
            except TROUBLE as error:
                time.sleep(tries.failed(error))
            else:
                self._met = True
                return answer

    async def ask(self, *words: str) -> Any:
        """The answer to a plain command, which is tried once. Raises StoreError."""
        try:
            return await (await self._lines.get()).call(*words)
        except (RedisError, OSError) as error:
            raise fault_of(self.place, error).error from error

    async def close(self) -> None:
        """Close the connections of all threads and loops; the next call makes new ones."""
        self._after_fork()
        while self._idle:
            self._idle.pop().close()
        await self._lines.close()

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            _inherited.append(self._idle)
            self._pid, self._idle = os.getpid(), []

    def tries(self) -> Tries:
        """For one call."""
        patience = self.address.patience
        return Tries(self.place, patience if self._met else min(patience, FIRST_PATIENCE))

    def _packed(self, given: dict[str, Any], tries: Tries) -> tuple[bytes, bytes]:
        """A script's arguments: what it is told, and the time, where that is not the server's."""
        told = {**given, "again": True} if tries.again else given
        return _encode(told), self._time()

    def _time(self) -> bytes:
        return b"" if self._clock is None else repr(self._clock.now()).encode()

    def _words(self, asker: bytes, name: str, given: bytes, now: bytes, lost: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return b"EVALSHA", script(name).sha, b"1", self._base, given, now, asker, b" ".join(lost)

    async def _open_line(self) -> Line:
        line = await Line.open(self.address, self._given_up.add)
        try:
            asked_at = time.monotonic()
            now, version = await self._run_on(line, "open", *_GREETING)
            require_ours(self.place, version)
            self._heard(now, asked_at)
        except BaseException:
            await line.closed()
            raise
        return line

    async def _run_on(self, line: Line, name: str, given: bytes, now: bytes) -> Any:
        wanted = script(name)
        lost = self._given_up.to_tell() if wanted.fenced else ()
        words = self._words(line.name, name, given, now, lost)
        try:
            answer = await line.call(*words)
        except NoScriptError:
            await line.call(b"SCRIPT", b"LOAD", wanted.text)
            answer = await line.call(*words)
        self._given_up.told(lost)
        return answer

    def _run_on_any_wire(self, name: str, given: bytes, now: bytes) -> Any:
        self._after_fork()
        try:
            wire = self._idle.pop()
        except IndexError:
            wire = self._open_wire()
        try:
            answer = self._run_on_wire(wire, name, given, now)
        except BaseException as error:
            wire.close()
            if not isinstance(error, ResponseError):
                self._given_up.add(wire.name)
            raise
        self._idle.append(wire)
        return answer

    def _open_wire(self) -> Wire:
        wire = Wire(self.address)
        try:
            _, version = self._run_on_wire(wire, "open", *_GREETING)
            require_ours(self.place, version)
        except BaseException:
            wire.close()
            raise
        return wire

    def _run_on_wire(self, wire: Wire, name: str, given: bytes, now: bytes) -> Any:
        wanted = script(name)
        lost = self._given_up.to_tell() if wanted.fenced else ()
        words = self._words(wire.name, name, given, now, lost)
        try:
            answer = wire.call(*words)
        except NoScriptError:
            wire.call(b"SCRIPT", b"LOAD", wanted.text)
            answer = wire.call(*words)
        self._given_up.told(lost)
        return answer
