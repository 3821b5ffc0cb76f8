"""Hears what the server tells one event loop without being asked: that there is work, and that jobs have ended.

It asks nothing; who is woken looks for himself.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Self

from .answers import packed
from .connecting import CONNECT_TIMEOUT, connect
from .talk import Talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address
    from .waiting import Rest


class Ear(Talk):
    """A connection that listens on a channel of its own and on the one that is for all. Made by `Ear.open`.

    `rung` counts, so that a ring between two looks is not missed. Once it is `lost`, another must be made.
    """

    def __init__(self, channel: str) -> None:
        super().__init__()
        self.channel = channel
        self.rung = 0
        self.called = 0
        self.rest: Rest | None = None
        # Called once, and at once, when there is work for the worker that rests.
        self.woken: Callable[[], None] | None = None
        self._listens: asyncio.Future[None] = self._loop.create_future()
        self._waiting: set[asyncio.Future[None]] = set()
        self._ends: dict[str, set[asyncio.Future[None]]] = {}

    @classmethod
    async def open(cls, address: Address) -> Self:
        """It hears everything from now on. Raises RedisError, OSError, StoreUnavailable."""
        ear = await connect(address, cls(f"{address.base}bell:{secrets.token_hex(8)}"))
        try:
            ear.transport.write(packed(("SUBSCRIBE", f"{address.base}bell", ear.channel)))
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await ear._listens
        except BaseException:
            await ear.closed()
            raise
        return ear

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

    def hear(self, answer: Any) -> None:
        match answer:
            case [b"message", _, message]:
                self._told(message)
            case [b"subscribe", channel, _] if channel == self.channel.encode():
                _wake(self._listens)
            case Exception():
                self.end(answer)

    def over(self, error: Exception) -> None:
        if not self._listens.done():
            self._listens.set_exception(error)
        self.called += 1
        self._ring()
        for waiting in self._ends.values():
            _wake(*waiting)

    def _told(self, message: bytes) -> None:
        what, _, job_id = message.partition(b" ")
        if what == b"end":
            _wake(*self._ends.get(job_id.decode(), ()))
        else:
            self.called += what == b"work"
            self._ring()
            if what == b"work" and self.woken is not None:
                woken, self.woken = self.woken, None
                woken()

    def _ring(self) -> None:
        self.rung += 1
        _wake(*self._waiting)


def _wake(*waiting: asyncio.Future[None]) -> None:
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(None)
