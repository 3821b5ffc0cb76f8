"""A connection of one event loop. What arrives on it is told in the very step of the loop that reads it, because
whoever waits for it waits for each further step. It asks nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as Lost
from redis.exceptions import RedisError

from .answers import NOT_YET, new_reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Talk(asyncio.Protocol):
    """To be given to `connect` once. Once it is `lost` another must be made."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.lost = False
        self._reader = new_reader()
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._in_the_end = self._close_in_the_end()

    def hear(self, answer: Any) -> None:
        """The next answer, or the next thing that is told unasked."""
        raise NotImplementedError

    def over(self, error: Exception) -> None:
        """Nothing will be heard any more."""
        raise NotImplementedError

    def close(self) -> None:
        self.end(Lost("the connection was closed"))

    async def closed(self) -> None:
        """Close it and return once that is done."""
        self.close()
        await self._gone

    def end(self, error: Exception) -> None:
        if not self.lost:
            self.lost = True
            self.over(error)
            self.transport.abort()

    async def begin(self, transport: asyncio.Transport, kept: object) -> None:
        """Hear what comes by this transport from now on. What is `kept` stays until it is closed."""
        self.transport, self._kept = transport, kept
        transport.set_protocol(self)
        await anext(self._in_the_end)

    async def _close_in_the_end(self) -> AsyncIterator[None]:
        # Whoever ends an event loop ends its asynchronous generators; perhaps nobody is left who would close this.
        try:
            yield
        finally:
            self.close()

    # for the event loop

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not NOT_YET:
                self.hear(answer)
        except RedisError as error:
            self.end(error)

    def connection_lost(self, error: Exception | None) -> None:
        self.end(Lost("the connection was closed") if error is None else Lost(str(error)))
        if not self._gone.done():
            self._gone.set_result(None)
