"""The ways to one database: a connection for producers' threads, two for each event loop, one for looking and changing.

Each is opened when it is first used. It knows transactions and nothing of jobs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from queuemgr.errors import StoreUnavailable

from . import forking, schema
from .direct import Direct
from .gathering import Gathering
from .waiting import Waiting
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from .address import Address
    from .connecting import Connection

T = TypeVar("T")


class Wires:
    """What one event loop has: a connection on which runs begin and who waits is told, and one for all that may take
    longer to commit.
    """

    def __init__(
        self,
        address: Address,
        given: Callable[[], float | None],
        heard: Callable[[float, float], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.begin = Wire(address, loop)
        self.end = Wire(address, loop)
        self.waiting = Waiting(self.begin, loop, given, heard)
        self.gathering = Gathering(self.end, given)

    def close(self) -> None:
        self.waiting.close()
        self.begin.close()
        self.end.close()


class Database:
    """`given` is the moment that a clock of the caller's tells, None where the server's counts; `heard` its time."""

    def __init__(
        self, address: Address, given: Callable[[], float | None], heard: Callable[[float, float], None]
    ) -> None:
        self.address = address
        self.producers = Direct(address)
        self._desk = Direct(address)
        self._given = given
        self._heard = heard
        self._forget()
        forking.watch(self)

    def _forget(self) -> None:
        self._opening = threading.Lock()
        self._ready = False
        self.mark = ""
        self._wires: WeakKeyDictionary[asyncio.AbstractEventLoop, Wires] = WeakKeyDictionary()
        self._lane: Lane | None = None

    def begin_afresh(self) -> None:
        for wires in list(self._wires.values()):
            wires.begin.leave_behind()
            wires.end.leave_behind()
        self._forget()

    async def open(self) -> None:
        """Connect, and make the schema fit for use. Raises StoreError with the reason."""
        if not self._ready:
            await self.run_unprepared(self._prepare)

    def open_now(self) -> None:
        if not self._ready:
            self.producers.transact(self._prepare)

    def _prepare(self, connection: Connection) -> None:
        self.mark = schema.require(connection, self.address)
        self._heard(*_time_of(connection))
        self._ready = True

    async def wires(self) -> Wires:
        """Those of the running event loop."""
        loop = asyncio.get_running_loop()
        wires = self._wires.get(loop)
        if wires is None:
            await self.open()
            wires = self._wires.get(loop)
            if wires is None:
                wires = self._wires[loop] = Wires(self.address, self._given, self._heard)
        return wires

    async def run(self, work: Callable[[Connection], T], *, repeats: bool = True) -> T:
        """Run `work` in a transaction, in a thread. `repeats` says that it may happen twice without harm.

        Raises what `work` raises, and StoreError.
        """
        await self.open()
        return await self.in_lane(lambda: self._desk.transact(work, repeats=repeats))

    async def run_unprepared(self, work: Callable[[Connection], T]) -> T:
        """`run` whatever version the schema has."""
        return await self.in_lane(lambda: self._desk.transact(work))

    async def in_lane(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def carry_out() -> None:
            value: T | None = None
            failure: BaseException | None = None
            try:
                value = work()
            except BaseException as error:
                failure = error
            _call_soon(loop, _resolve, future, value, failure)

        with self._opening:
            if self._lane is None:
                self._lane = Lane()
            self._lane.push(carry_out)
        return await future

    def close(self) -> None:
        for wires in list(self._wires.values()):
            wires.close()
        self._wires.clear()
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.close()
        self._desk.close()
        self.producers.close()
        self._ready = False


class Lane:
    """A thread that does what it is handed, in order."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="queuemgr postgres", daemon=True)
        self._thread.start()

    def push(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def close(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _time_of(connection: Connection) -> tuple[float, float]:
    """The server's time, and when it was asked for."""
    asked_at = time.monotonic()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    return row[0], asked_at


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *values: object) -> None:
    try:
        loop.call_soon_threadsafe(function, *values)
    except RuntimeError:
        # The loop that asked is closed: nobody waits for the answer any more.
        return


def _resolve(future: asyncio.Future[T], value: T, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error if isinstance(error, Exception) else StoreUnavailable("it was interrupted"))
    else:
        future.set_result(value)
