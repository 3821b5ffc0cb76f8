"""One connection of one event loop. Many calls are under way on it at once, answered in their order.

It tries nothing twice; who calls decides that.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as Lost
from redis.exceptions import ResponseError

from .connecting import ANSWER_TIMEOUT, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio.connection import AbstractConnection

    from .address import Address


class Line:
    """Made by `Line.open`; once it is `lost` another must be made.

    `give_up` is told its name when it is lost while questions are on it: they may reach the server yet.
    """

    def __init__(self, connection: AbstractConnection, give_up: Callable[[bytes], None]) -> None:
        self.name = secrets.token_hex(8).encode()
        self.lost = False
        self._give_up = give_up
        self._connection = connection
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._loop = asyncio.get_running_loop()
        self._listening = self._loop.create_task(self._listen(), name="queuemgr redis")

    @classmethod
    async def open(cls, address: Address, give_up: Callable[[bytes], None]) -> Line:
        return cls(await connect(address), give_up)

    async def call(self, *words: bytes | str | int) -> Any:
        """The answer. Raises RedisError; after a time-out or a loss the command may have been carried out."""
        if self.lost:
            raise Lost("the connection is closed")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(answer)
        await self._connection.send_packed_command(self._connection.pack_command(*words), check_health=False)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await answer
        except TimeoutError:
            self.close()
            raise

    def close(self) -> None:
        self._lose()
        self._listening.cancel()

    async def closed(self) -> None:
        """Close it and return once that is done."""
        self.close()
        await asyncio.gather(self._listening, return_exceptions=True)
        # A task that is cancelled before its first step does not even clean up.
        await self._connection.disconnect(nowait=True)

    async def _listen(self) -> None:
        error: BaseException = Lost("the connection was closed")
        try:
            while True:
                self._answer(await self._next_answer())
        except Exception as reason:
            error = reason
        finally:
            self._lose()
            while self._waiting:
                self._answer(error)
            await self._connection.disconnect(nowait=True)

    def _lose(self) -> None:
        self.lost = True
        if self._waiting:
            self._give_up(self.name)

    async def _next_answer(self) -> Any:
        try:
            return await self._connection.read_response(disable_decoding=True, disconnect_on_error=False)
        except ResponseError as refused:
            return refused

    def _answer(self, value: Any) -> None:
        waiting = self._waiting.popleft()
        if waiting.done():
            return
        if isinstance(value, BaseException):
            waiting.set_exception(value)
        else:
            waiting.set_result(value)
