"""Small things kept in the store side by side, each under a number of its own. It interprets none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measuring import read_many

if TYPE_CHECKING:
    from queuemgr.store import Store


class Shelf:
    """Several programs may add and remove at the same moment. A number is never given twice."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    async def add(self, value: bytes, ttl: float | None = None) -> int:
        """Its number. It is gone after `ttl` seconds."""
        number = await self._store.key_add(self._name, 1)
        await self._store.key_put_if_absent(f"{self._name}:{number}", value, ttl)
        return number

    async def all(self, newest: int = 1000) -> list[tuple[int, bytes]]:
        """What is there under the last so many numbers, oldest first."""
        last = int(await self._store.key_get(self._name) or 0)
        numbers = range(max(1, last - newest + 1), last + 1)
        values = await read_many(self._store, [f"{self._name}:{number}" for number in numbers])
        return [(number, value) for number, value in zip(numbers, values, strict=True) if value is not None]

    async def remove(self, number: int, value: bytes) -> bool:
        """False where it is not there, or another one."""
        return await self._store.key_remove_if(f"{self._name}:{number}", value)
