"""A job's result as a stream of bytes: whole or a range of it, as lines or as one list, compressed where asked for.

Of a result of any size it holds one chunk. Secret values are masked.
"""

from __future__ import annotations

import asyncio
import io
import re
import zlib
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from secrets import token_bytes
from typing import TYPE_CHECKING, Protocol, Self

import zstandard

from queuemgr.result import Reference
from queuemgr.service.operations.jobs import resolve

from .masking import Masking
from .problems import NoSuchRange
from .request import Response
from .waypoints import Noting, Waypoints

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient

    from .request import Request

CHUNK = 256 * 1024
WORTH = 1024
"""Bytes from which on compressing pays."""

SEAL = "queuemgr.web:seal"
"""Where the store keeps the key of all validators: none of them must say what a short secret is."""

LINES, TEXT, BYTES = "application/x-ndjson", "application/json", "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Step(Protocol):
    """Turns pieces of a stream into pieces of another one."""

    def feed(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


class Contents:
    """Results by the ids of their jobs, and what is known of those that were asked for."""

    def __init__(self) -> None:
        self._waypoints = Waypoints()
        self._seal = b""

    async def response(self, client: AsyncClient, job_id: str, request: Request) -> Response:
        """Raises JobNotFound, ResultError, NoSuchRange, StoreError."""
        job_id = await resolve(client, job_id)
        at = request.parameter("at")
        etag, kind = await self._known(client, job_id, at)
        kind = kind if at is None else LINES
        etag = f'{etag[:-1]}-list"' if _as_list(request, kind) else etag
        headers = [("etag", etag), ("cache-control", "private, no-cache"), ("vary", "accept, accept-encoding")]
        if (held := re.search(f'{etag[:-1]}(-gzip|-zstd)?"', request.header("if-none-match"))) is not None:
            return Response(304, (("etag", held.group()), *headers[1:]))
        file = await asyncio.to_thread(_unwrapped, await client.handle(job_id).open_result(at))
        wanted = Wanted(request, kind, job_id, etag, headers)
        try:
            return await asyncio.to_thread(_response, file, wanted, self._waypoints)
        except BaseException:
            file.close()
            raise

    async def _known(self, client: AsyncClient, job_id: str, at: str | None) -> tuple[str, str]:
        """Its validator, and of which kind it is."""
        data = await client.store.result(job_id)
        reference = Reference.read(data)
        seal = blake2b(data or b"", key=await self._key(client), digest_size=16, person=b"result")
        seal.update(b"" if at is None else f"\0{at}".encode(errors="replace"))
        if reference is not None:
            return f'"{seal.hexdigest()}"', {"list": LINES, "bytes": BYTES}.get(reference.kind, TEXT)
        value = None if data is None else client.codec.decode(data)
        kind = LINES if isinstance(value, list) else BYTES if isinstance(value, bytes) else TEXT
        return f'"{seal.hexdigest()}"', kind

    async def _key(self, client: AsyncClient) -> bytes:
        """The same for every process of the store, so that a download goes on after a restart."""
        if not self._seal:
            await client.store.key_put_if_absent(SEAL, token_bytes(32))
            self._seal = await client.store.key_get(SEAL) or token_bytes(32)
        return self._seal


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: bytes of this kind. `headers` go with the answer; more of them are added."""

    request: Request
    kind: str
    job_id: str
    etag: str
    headers: list[tuple[str, str]]


def _unwrapped(stream: object) -> io.BufferedReader:
    file: io.BufferedReader = stream._stream  # type: ignore[attr-defined]
    return file


def _response(file: io.BufferedReader, asked: Wanted, waypoints: Waypoints) -> Response:
    request, kind, headers = asked.request, asked.kind, asked.headers
    ending = {LINES: "ndjson", TEXT: "json", BYTES: "bin"}[kind]
    if kind == BYTES or "download" in request.parameters:
        headers.append(("content-disposition", f'attachment; filename="{_harmless(asked.job_id)}.{ending}"'))
    steps: list[Step] = [] if kind == BYTES else [Masking()]
    if _as_list(request, kind):
        return _compressed(Pieces(file, [*steps, Listing()]), None, request, [*headers, ("content-type", TEXT)])
    headers.append(("content-type", kind))
    if not file.seekable():
        return _compressed(Pieces(file, steps), None, request, headers)
    size = file.seek(0, io.SEEK_END)
    headers.append(("accept-ranges", "bytes"))
    wanted = _range(request, size, asked.etag)
    if wanted is None:
        file.seek(0)
        return _compressed(Pieces(file, steps), size, request, headers)
    start, end = wanted
    headers += [("content-range", f"bytes {start}-{end - 1}/{size}"), ("content-length", str(end - start))]
    begin = start if kind == BYTES else waypoints.before(asked.etag, start)
    file.seek(begin)
    masked: list[Step] = [Noting(Masking(), begin, partial(waypoints.add, asked.etag))] if steps else []
    return Response(206, tuple(headers), Pieces(file, [*masked, Cut(start - begin, end - start)]))


def _as_list(request: Request, kind: str) -> bool:
    accepted = request.header("accept")
    return kind == LINES and TEXT in accepted and LINES not in accepted


def _range(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """Where it starts and ends; None for the whole. Of several ranges the whole is sent, as it may be."""
    found = _RANGE.fullmatch(request.header("range").strip())
    condition = request.header("if-range")
    if found is None or found.group() == "bytes=-" or condition not in ("", etag):
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or end <= start:
        told = f"the result has {size:,} bytes, and {found.group()} are none of them"
        raise NoSuchRange(told, headers=(("content-range", f"bytes */{size}"),))
    return start, end


def _compressed(pieces: Pieces, size: int | None, request: Request, headers: list[tuple[str, str]]) -> Response:
    way = next((way for way in ("zstd", "gzip") if request.takes(way)), None)
    if way is None or (size is not None and size < WORTH):
        length = [] if size is None else [("content-length", str(size))]
        return Response(200, (*headers, *length), pieces)
    pieces.steps.append(Squeezing(way))
    # Of its own: who goes on with a part of these bytes must not be given a part of the plain ones.
    own = [(name, f'{value[:-1]}-{way}"' if name == "etag" else value) for name, value in headers]
    return Response(200, (*own, ("content-encoding", way)), pieces)


def _harmless(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:100]


class Pieces:
    """The response's body: reads and changes one chunk at a time, in a thread."""

    def __init__(self, file: io.BufferedReader, steps: list[Step]) -> None:
        self.steps = steps
        self._file = file
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._over:
            if piece := await asyncio.to_thread(self._next):
                return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._over = True
        await asyncio.to_thread(self._file.close)

    def _next(self) -> bytes:
        data = self._file.read(CHUNK)
        self._over = not data or any(getattr(step, "over", False) for step in self.steps)
        for step in self.steps:
            data = step.feed(data) + (step.flush() if self._over else b"")
        return data


class Cut:
    """Leaves out the first `before` bytes and what follows the next `length`."""

    def __init__(self, before: int, length: int) -> None:
        self._before = before
        self._left = length

    @property
    def over(self) -> bool:
        return self._left <= 0

    def feed(self, data: bytes) -> bytes:
        skipped = min(self._before, len(data))
        self._before -= skipped
        piece = data[skipped : skipped + self._left]
        self._left -= len(piece)
        return piece

    def flush(self) -> bytes:
        return b""


class Listing:
    """Makes one JSON list of lines of JSON."""

    def __init__(self) -> None:
        self._held = b"["
        self._empty = True

    def feed(self, data: bytes) -> bytes:
        if not data:
            return b""
        # The last end of a line is held back: it may be that of the list.
        piece, self._held = self._held + data.replace(b"\n", b","), b""
        if piece.endswith(b","):
            piece, self._held = piece[:-1], b","
        self._empty = False
        return piece

    def flush(self) -> bytes:
        return b"[]" if self._empty else b"]"


class Squeezing:
    """Compresses, quickly rather than well: the reader waits for it."""

    def __init__(self, way: str) -> None:
        self._packer = zlib.compressobj(3, wbits=31) if way == "gzip" else zstandard.ZstdCompressor(3).compressobj()

    def feed(self, data: bytes) -> bytes:
        return self._packer.compress(data)

    def flush(self) -> bytes:
        return self._packer.flush()
