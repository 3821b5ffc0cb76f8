"""A stream of bytes for asynchronous readers. It reads in threads, and nothing ahead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator

CHUNK = 256 * 1024


class AsyncStream:
    """`async for chunk in stream`, or `await stream.read(n)`. Close it, or use it in an `async with` block."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def seekable(self) -> bool:
        return self._stream.seekable()

    async def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all that are left without it; none at the end."""
        return await asyncio.to_thread(self._stream.read, size)

    async def readline(self) -> bytes:
        return await asyncio.to_thread(self._stream.readline)

    async def seek(self, offset: int, whence: int = 0) -> int:
        """As of a file. Raises io.UnsupportedOperation where the stream cannot."""
        return await asyncio.to_thread(self._stream.seek, offset, whence)

    async def close(self) -> None:
        await asyncio.to_thread(self._stream.close)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read(CHUNK):
            yield chunk

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
