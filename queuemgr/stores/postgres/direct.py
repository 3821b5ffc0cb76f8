"""A connection that is asked in the caller's own thread: nothing stands between a program and its commit.

Threads take turns at it. It hears no notifications.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from . import forking
from .connecting import Link, answer_of
from .faults import Refused, refusal_of
from .patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address
    from .connecting import Connection
    from .statements import Question

T = TypeVar("T")


class Direct:
    """Opened by its first use."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._forget()
        forking.watch(self)

    def _forget(self) -> None:
        self.turn = threading.RLock()
        self._link: Link | None = None
        self._known = False

    def begin_afresh(self) -> None:
        link = self._link
        self._forget()
        if link is not None:
            forking.leave_behind(link, link.socket)

    def ask(self, question: Question) -> bytes | None:
        """Raises StoreError and its kin."""
        return self._try(lambda link: _exchange(link, question), repeats=question.repeats)

    def transact(self, work: Callable[[Connection], T], *, repeats: bool = True) -> T:
        """Run `work` in a transaction. Raises what `work` raises, StoreError and its kin."""
        return self._try(lambda link: self._transact(link, work), repeats=repeats)

    def close(self) -> None:
        with self.turn:
            if self._link is not None:
                self._link.close()
                self._link = None

    def _try(self, use: Callable[[Link], T], *, repeats: bool) -> T:
        patience = Patience(self._address)
        with self.turn:
            while True:
                sent = False
                try:
                    link = self._open()
                    sent = True
                    return use(link)
                except Refused as refused:
                    if refused.lost:
                        self.close()
                    pause = patience.pause_after(refused, safe=repeats or not sent, known=self._known)
                except BaseException:
                    if self._link is not None and not self._link.idle:
                        # Interrupted before the answer came: it must not be taken for that of the next question.
                        self.close()
                    raise
                time.sleep(pause)

    def _open(self) -> Link:
        if self._link is not None and self._link.is_over():
            self.close()
        if self._link is None:
            self._link = Link(self._address)
            self._known = True
        return self._link

    def _transact(self, link: Link, work: Callable[[Connection], T]) -> T:
        try:
            with link.connection.transaction():
                if link.pooled:
                    link.connection.execute(link.settings("SET LOCAL"))
                return work(link.connection)
        except psycopg.Error as error:
            raise refusal_of(error) from error


def _exchange(link: Link, question: Question) -> bytes | None:
    link.prepare()
    try:
        link.send(question)
        return answer_of(_results(link))
    except psycopg.Error as error:
        raise Refused("", str(error)) from error


def _results(link: Link) -> list[Any]:
    pgconn = link.pgconn
    results: list[Any] = []
    while True:
        while pgconn.is_busy():
            link.wait()
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            return results
        results.append(result)
