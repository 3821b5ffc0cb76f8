"""A connection inside an event loop: one question at a time, in order, and what the server says unasked.

No thread takes part, because a change of threads takes longer than most answers. It knows nothing of jobs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psycopg

from . import forking
from .connecting import Link, answer_of
from .faults import Refused, named
from .patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address
    from .statements import Question


def _nothing(*_: object) -> None: ...


class Wire:
    """Made once the store was reached.

    `on_said` is told the payload of each notification, `on_lost` of the end of a connection.
    """

    def __init__(self, address: Address, loop: asyncio.AbstractEventLoop) -> None:
        self.on_said: Callable[[str], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing
        self.pooled = bool(address.pooler)
        self._address = address
        self._loop = loop
        self._turn = asyncio.Lock()
        self._link: Link | None = None
        self._results: list[Any] = []
        self._answer: asyncio.Future[list[Any]] | None = None
        self._rest: asyncio.Future[None] | None = None

    async def ask(self, question: Question) -> bytes | None:
        """Raises StoreError and its kin. Who stops waiting does not undo what he asked for."""
        patience = Patience(self._address)
        async with self._turn:
            while True:
                sent = False
                try:
                    link = self._link or await self._open()
                    sent = True
                    return await self._exchange(link, question)
                except Refused as refused:
                    if refused.lost:
                        self.close()
                    pause = patience.pause_after(refused, safe=question.repeats or not sent, known=True)
                    question = question.sent_before()
                await asyncio.sleep(pause)

    async def open(self) -> None:
        """Raises StoreError and its kin."""
        async with self._turn:
            if self._link is None:
                try:
                    await self._open()
                except Refused as refused:
                    raise named(refused, self._address.shown) from refused

    def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(link.socket)
                self._loop.remove_writer(link.socket)
            link.close()
            self.on_lost()

    def leave_behind(self) -> None:
        """In a forked child: the connection is the parent's, and so is its event loop."""
        if self._link is not None:
            forking.leave_behind(self._link, self._link.socket)

    async def _open(self) -> Link:
        opening = self._loop.run_in_executor(None, _open_link, self._address)
        try:
            link = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unused)
            raise
        self._link, self._answer = link, None
        self.pooled = link.pooled
        link.pgconn.nonblocking = 1
        self._loop.add_reader(link.socket, self._hear)
        return link

    async def _exchange(self, link: Link, question: Question) -> bytes | None:
        if self._answer is not None:
            # Somebody no longer waits for it. It has to come all the same, or it would be taken for the next one.
            self._rest = self._loop.create_future()
            await self._rest
            if self._link is not link:
                raise Refused("", "the connection was lost")
        self._results = []
        answer = self._answer = self._loop.create_future()
        try:
            link.send(question)
            self._flush()
        except psycopg.Error as error:
            raise Refused("", str(error)) from error
        except BaseException:
            # It was not even sent: no answer is to be waited for.
            self._answer = None
            raise
        return answer_of(await answer)

    def _flush(self) -> None:
        link = self._link
        assert link is not None
        if link.pgconn.flush():
            self._loop.add_writer(link.socket, self._flush_on)
        else:
            self._loop.remove_writer(link.socket)

    def _flush_on(self) -> None:
        try:
            self._flush()
        except psycopg.Error as error:
            self._break(error)

    def _hear(self) -> None:
        assert self._link is not None
        pgconn = self._link.pgconn
        try:
            pgconn.consume_input()
            while self._answer is not None and not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    self._finish(None)
                else:
                    self._results.append(result)
            while (notify := pgconn.notifies()) is not None:
                self.on_said(notify.extra.decode())
        except psycopg.Error as error:
            self._break(error)

    def _break(self, error: psycopg.Error) -> None:
        self.close()
        # What the server said last tells more than that it has hung up.
        self._finish(None if self._results else Refused("", str(error)))

    def _finish(self, error: Refused | None) -> None:
        answer, self._answer = self._answer, None
        rest, self._rest = self._rest, None
        if rest is not None and not rest.done():
            rest.set_result(None)
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(self._results)
        else:
            answer.set_exception(error)


def _open_link(address: Address) -> Link:
    link = Link(address)
    link.prepare()
    return link


def _close_unused(opening: asyncio.Future[Link]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
