"""Hears what the server tells one event loop without being asked: that there is work, and that jobs have ended.

It asks nothing; who is woken looks for himself.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Self

from redis.exceptions import RedisError

from .connecting import connect

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

    from .address import Address
    from .waiting import Rest


class Ear:
    """A connection that listens on a channel of its own and on the one that is for all.

    `rung` counts, so that a ring between two looks is not missed. Once it is `lost`, another must be made.
    """

    def __init__(self, connection: AbstractConnection, channel: str) -> None:
        self.channel = channel
        self.rung = 0
        self.called = 0
        self.lost = False
        self.rest: Rest | None = None
        self._connection = connection
        self._waiting: set[asyncio.Future[None]] = set()
        self._ends: dict[str, set[asyncio.Future[None]]] = {}
        self._loop = asyncio.get_running_loop()
        self._listening = self._loop.create_task(self._listen(), name="queuemgr redis ear")

    @classmethod
    async def open(cls, address: Address) -> Self:
        """It hears everything from now on. Raises RedisError, OSError, StoreUnavailable."""
        connection = await connect(address)
        channel = f"{address.base}bell:{secrets.token_hex(8)}"
        try:
            await connection.send_command("SUBSCRIBE", channel, f"{address.base}bell")
            for _ in range(2):
                await connection.read_response(disable_decoding=True)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return cls(connection, channel)

    async def ring(self, rung: int, timeout: float) -> None:
        """Return at the first ring after the one numbered `rung`, or after `timeout` seconds."""
        if self.rung != rung or self.lost:
            return
        waiter = self._loop.create_future()
        self._waiting.add(waiter)
        timer = self._loop.call_later(timeout, _wake, waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)
            timer.cancel()

    def expect(self, job_id: str) -> asyncio.Future[None]:
        """What is done when the job has ended. To be given to `until` any number of times, and to `forget` once."""
        expected = self._loop.create_future()
        self._ends.setdefault(job_id, set()).add(expected)
        return expected

    async def until(self, expected: asyncio.Future[None], timeout: float) -> None:
        """Return when it is done, or after `timeout` seconds."""
        if not self.lost:
            await asyncio.wait((expected,), timeout=timeout)

    def forget(self, job_id: str, expected: asyncio.Future[None]) -> None:
        expected.cancel()
        waiting = self._ends[job_id]
        waiting.discard(expected)
        if not waiting:
            del self._ends[job_id]

    def close(self) -> None:
        self._listening.cancel()

    async def closed(self) -> None:
        self.close()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._connection.disconnect(nowait=True)

    async def _listen(self) -> None:
        try:
            while True:
                _, _, message = await self._connection.read_response(disable_decoding=True)
                self._hear(message)
        except (RedisError, OSError):
            pass
        finally:
            self.lost = True
            self.called += 1
            self._ring()
            for waiting in self._ends.values():
                _wake(*waiting)
            await self._connection.disconnect(nowait=True)

    def _hear(self, message: bytes) -> None:
        what, _, job_id = message.partition(b" ")
        if what == b"end":
            _wake(*self._ends.get(job_id.decode(), ()))
        else:
            self.called += what == b"work"
            self._ring()

    def _ring(self) -> None:
        self.rung += 1
        _wake(*self._waiting)


def _wake(*waiting: asyncio.Future[None]) -> None:
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(None)
