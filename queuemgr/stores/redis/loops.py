"""One of something for each event loop of this process. It makes it when asked for it; a forked child begins afresh."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary


class Closable(Protocol):
    lost: bool

    def close(self) -> None: ...

    async def closed(self) -> None: ...


T = TypeVar("T", bound=Closable)

# What a parent process had. To close it here could end it there.
_inherited: list[object] = []


@dataclass(slots=True)
class _Place(Generic[T]):
    """What a loop has. Those who come while it is made wait for it."""

    one: T | None = None
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


class PerLoop(Generic[T]):
    """`make` makes one for the loop that runs; a lost one is replaced."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, _Place[T]] = WeakKeyDictionary()

    def there(self) -> T | None:
        """The one of this loop, if it has been made and is not lost."""
        if self._pid != os.getpid():
            _inherited.append(dict(self._places))
            self._forget()
        place = self._places.get(asyncio.get_running_loop())
        return None if place is None or place.one is None or place.one.lost else place.one

    async def get(self) -> T:
        one = self.there()
        if one is not None:
            return one
        place = self._places.setdefault(asyncio.get_running_loop(), _Place())
        async with place.making:
            if place.one is None or place.one.lost:
                place.one = await self._make()
            return place.one

    async def close(self) -> None:
        here = asyncio.get_running_loop()
        places = dict(self._places) if self._pid == os.getpid() else {}
        self._forget()
        for loop, place in places.items():
            if place.one is None:
                continue
            if loop is here:
                await place.one.closed()
            elif loop.is_running():
                loop.call_soon_threadsafe(place.one.close)
