"""Ends a stream as soon as its reader may not read it any more: a token can be removed while it is open.

Who may read is decided elsewhere.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from .request import Response

LOOK_AGAIN = 1.0
"""Seconds that pass at least between two looks."""


def guarded(response: Response, holds: Callable[[], bool]) -> Response:
    """The response, whose body ends once `holds` says no; bytes are there already and stay as they are."""
    return response if isinstance(response.body, bytes) else replace(response, body=Guarded(response.body, holds))


class Guarded:
    """Chunks of another body. That is closed with this one, also where nothing of it was read."""

    def __init__(self, body: Any, holds: Callable[[], bool]) -> None:
        self._body = body
        self._chunks = aiter(body)
        self._holds = holds
        self._looked = time.monotonic()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes = await anext(self._chunks)
        now = time.monotonic()
        if now - self._looked >= LOOK_AGAIN:
            self._looked = now
            if not self._holds():
                await self.aclose()
                raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        await self._body.aclose()
