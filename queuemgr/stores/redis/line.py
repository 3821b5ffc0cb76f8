"""One connection of one event loop. Many calls are under way on it at once, answered in their order.

It tries nothing twice; who calls decides that.
"""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as Lost

from .answers import packed
from .connecting import ANSWER_TIMEOUT, connect
from .talk import Talk

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .address import Address


class Line(Talk):
    """Made by `Line.open`; once it is `lost` another must be made.

    `give_up` is told its name when it is lost while questions are on it: they may reach the server yet.
    """

    def __init__(self, give_up: Callable[[bytes], None]) -> None:
        super().__init__()
        self.name = secrets.token_hex(8).encode()
        self._give_up = give_up
        # Who waits for an answer, and when it was asked for.
        self._asked: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._watch: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, address: Address, give_up: Callable[[bytes], None]) -> Line:
        return await connect(address, cls(give_up))

    async def call(self, *words: bytes | str) -> Any:
        """The answer. Raises RedisError; after a time-out or a loss the command may have been carried out."""
        return await self.send(packed(words))

    def send(self, question: bytes) -> asyncio.Future[Any]:
        """The answer to what is sent before this returns. Raises RedisError, as awaiting it does."""
        if self.lost:
            raise Lost("the connection is closed")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._asked.append((answer, self._loop.time()))
        self.transport.write(question)
        if self._watch is None:
            # One for all questions: to set and to cancel one for each would take longer than to ask.
            self._watch = self._loop.call_later(ANSWER_TIMEOUT, self._look_at_the_time)
        return answer

    def hear(self, answer: Any) -> None:
        waiting, _ = self._asked.popleft()
        if waiting.done():
            return
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    def over(self, error: Exception) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._asked:
            self._give_up(self.name)
        while self._asked:
            self.hear(error)

    def _look_at_the_time(self) -> None:
        self._watch = None
        if self._asked:
            left = self._asked[0][1] + ANSWER_TIMEOUT - self._loop.time()
            if left <= 0:
                self.end(TimeoutError("no answer"))
            else:
                self._watch = self._loop.call_later(left, self._look_at_the_time)
