"""The list of what was changed: who, when, by which face, with what, and what came of it. It stops nobody.

It lies in the store under keys of its own: a counter, and one key for each entry, which goes when its time is over.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from queuemgr.errors import StoreError

from .abridging import abridged, outcome_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from queuemgr.client import AsyncClient
    from queuemgr.store import Store

log = logging.getLogger("queuemgr.audit")
T = TypeVar("T")

KEPT = 90 * 86400.0
"""Seconds for which an entry is kept."""

COUNTER = "queuemgr:audit:count"
ENTRY = "queuemgr:audit:{}"

LAST = frozenset({"service.shutdown"})
"""After these the store is closed, so that they are written down before they are done."""

AT_ONCE = 50
GAP = 200
"""Entries missing one after another from which on all that is older is taken for gone."""


class Who(Protocol):
    """Whoever asks. `via` is the face, `address` that of the network, where there is one."""

    @property
    def name(self) -> str: ...
    @property
    def via(self) -> str: ...
    @property
    def address(self) -> str | None: ...


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`outcome` holds "ok", and of what was answered only what is small; where it failed "error" and "message"."""

    number: int = 0
    at: float
    who: str
    via: str
    address: str | None
    operation: str
    arguments: dict[str, Any]
    outcome: dict[str, Any]


async def record(client: AsyncClient, visitor: Who, name: str, arguments: Mapping[str, Any], answer: object) -> None:
    """Write down that `visitor` asked for the operation `name`; `answer` is what it answered, or its exception.

    What was done is done: where it cannot be written down, that goes to the log instead of to the visitor.
    """
    entry = Entry(
        at=client.clock.now(),
        who=visitor.name[:200],
        via=visitor.via,
        address=visitor.address,
        operation=name,
        arguments=abridged(name, arguments),
        outcome=outcome_of(name, answer),
    )
    try:
        await _append(client.store, entry)
    except StoreError as error:
        log.warning("%s by %s could not be written down: %s", name, visitor.name, error)


async def recorded(
    client: AsyncClient, visitor: Who, name: str, arguments: Mapping[str, Any], work: Callable[[], Awaitable[T]]
) -> T:
    """What `work` answers, written down as `record` does. Raises what it raises."""
    if name in LAST:
        await record(client, visitor, name, arguments, {})
        return await work()
    try:
        answer = await work()
    except Exception as error:
        await record(client, visitor, name, arguments, error)
        raise
    await record(client, visitor, name, arguments, answer)
    return answer


async def _append(store: Store, entry: Entry) -> None:
    number = await store.key_add(COUNTER, 1)
    await store.key_put_if_absent(ENTRY.format(number), msgspec.json.encode(entry), KEPT)


async def entries(client: AsyncClient, limit: int, after: int | None = None) -> tuple[list[Entry], int | None]:
    """The newest, or those that are older than the entry `after`; and the next `after`, None at the end."""
    store = client.store
    below = await _count(store) + 1 if after is None else after
    found: list[Entry] = []
    missing = 0
    while below > 1 and missing < GAP:
        numbers = range(below - 1, max(0, below - 1 - AT_ONCE), -1)
        for number, data in zip(numbers, await _read(store, numbers), strict=True):
            below = number
            missing = 0 if data is not None else missing + 1
            if data is None:
                continue
            found.append(msgspec.structs.replace(msgspec.json.decode(data, type=Entry), number=number))
            if len(found) == limit:
                return found, number if number > 1 else None
    return found, None


async def _count(store: Store) -> int:
    return int(await store.key_get(COUNTER) or 0)


async def _read(store: Store, numbers: range) -> list[bytes | None]:
    return await asyncio.gather(*(store.key_get(ENTRY.format(number)) for number in numbers))
