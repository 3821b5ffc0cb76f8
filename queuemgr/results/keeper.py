"""Keeps results that are not small in their place, for executors and workers. It reads none of them back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from queuemgr.result import IN_STORE, SMALL, too_large

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from queuemgr.codec import Codec
    from queuemgr.result import Owner, ResultPlace, Results
    from queuemgr.store import Store

    from .writer import ResultWriter

log = logging.getLogger("queuemgr.worker")

PATIENCE = 5.0


class ResultKeeper:
    """What an App gives to its executors. `place` is asked for with the first large result, and may give None.

    `limit` in bytes before compression; without a place IN_STORE is the limit where none is given.
    """

    def __init__(
        self, place: Callable[[], ResultPlace | None], codec: Codec, limit: int | None, settings: Results
    ) -> None:
        self._place = place
        self._codec = codec
        self._limit = min((most for most in (limit, settings.quota) if most is not None), default=None)
        self._settings = settings
        self._tending: asyncio.Task[None] | None = None

    def keep(self, value: object, owner: Owner) -> bytes:
        """What the store is to hold: a reference, or the encoded value. Raises EncodingError, StoreError."""
        place, codec = self._place(), self._codec
        if place is None:
            return self._keep_in_store(value)
        from .assembly import Assembly
        from .pieces import kind_of, pieces_of
        from .shape import encode_sample, shape_of

        assembly = Assembly(place, owner, codec.format, self._limit)
        try:
            for piece in pieces_of(value, codec):
                assembly.put(*piece)
            if assembly.size <= SMALL:
                return codec.encode(value, "result")
            kind = kind_of(value)
            length = len(value) if kind in ("list", "dict") else None  # type: ignore[arg-type]
            return assembly.finish(kind, length, shape_of(value), encode_sample(value, codec)).encode()
        except BaseException:
            assembly.discard()
            raise

    def writer(self, owner: Owner) -> ResultWriter:
        """A result that is written piece by piece."""
        from .assembly import Assembly
        from .writer import ResultWriter

        return ResultWriter(Assembly(self._place(), owner, self._codec.format, self._limit), self._codec)

    def tend(self, store: Store) -> None:
        """Begin a clean-up, unless one runs. Called in an event loop; raises nothing."""
        import asyncio

        if self._tending is None or self._tending.done():
            self._tending = asyncio.create_task(self._tend(store), name="queuemgr results")

    async def rest(self) -> None:
        """Let a clean-up that has begun come to its end, for at most PATIENCE seconds."""
        import asyncio

        if self._tending is not None:
            await asyncio.wait((self._tending,), timeout=PATIENCE)

    async def _tend(self, store: Store) -> None:
        from .sweep import EVERY, TURN, sweep

        try:
            place = self._place()
            if place is not None and await store.key_put_if_absent(TURN, b"1", EVERY):
                await sweep(store, place, self._settings)
        except Exception as error:
            log.warning("old results could not be cleaned up: %s", error)

    def _keep_in_store(self, value: object) -> bytes:
        data = self._codec.encode(value, "result")
        limit = IN_STORE if self._limit is None else self._limit
        if len(data) > limit:
            raise too_large(f"{len(data):,}", limit)
        return data
