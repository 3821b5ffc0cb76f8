"""The files of the page, held in memory, compressed once, told apart by their contents. It makes no page."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from .request import Response

if TYPE_CHECKING:
    from .request import Request

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
BASE = b'<base href="/"'

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
_PACKED = frozenset({".png", ".woff2", ".ico"})

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class File:
    """`squeezed` is the gzip form, None where that would not be smaller."""

    kind: str
    data: bytes
    squeezed: bytes | None
    etag: str
    stamp: tuple[int, int]


class Files:
    """Read when they are first asked for, and again where they were changed since."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder.resolve()
        self._index = self._folder / INDEX
        self._known: dict[tuple[Path, str], File] = {}

    def answer(self, request: Request) -> Response | None:
        """None where there is no such file."""
        name = "/".join(request.segments) or INDEX
        file = self._file(name, request.prefix)
        return None if file is None else _response(file, request)

    def _file(self, name: str, prefix: str) -> File | None:
        if "\0" in name:
            return None
        path = (self._folder / name).resolve()
        kind = KINDS.get(path.suffix)
        if kind is None or not path.is_relative_to(self._folder):
            return None
        try:
            status = path.stat()
        except OSError:
            return None
        # By what it is and not by how it is spelled, or strangers could fill the memory with copies.
        key, stamp = (path, prefix if path == self._index else ""), (status.st_mtime_ns, status.st_size)
        file = self._known.get(key)
        if file is None or file.stamp != stamp:
            self._known[key] = file = _load(path, kind, stamp, key[1])
        return file


def _load(path: Path, kind: str, stamp: tuple[int, int], prefix: str) -> File:
    data = path.read_bytes()
    if prefix:
        data = data.replace(BASE, BASE.replace(b'"/"', f'"{escape(prefix)}/"'.encode()), 1)
    squeezed = None if path.suffix in _PACKED else gzip.compress(data, 9, mtime=0)
    if squeezed is not None and len(squeezed) >= len(data):
        squeezed = None
    return File(kind, data, squeezed, f'"{hashlib.sha256(data).hexdigest()[:20]}"', stamp)


def _response(file: File, request: Request) -> Response:
    headers = [("etag", file.etag), ("cache-control", "no-cache"), ("vary", "accept-encoding")]
    if file.kind.startswith("text/html"):
        # A 304 too: its headers take the place of those that the browser has kept.
        headers.append(("content-security-policy", POLICY))
    if file.etag in request.header("if-none-match"):
        return Response(304, tuple(headers))
    headers.append(("content-type", file.kind))
    if file.squeezed is not None and request.takes("gzip"):
        return Response(200, (*headers, ("content-encoding", "gzip")), file.squeezed)
    return Response(200, tuple(headers), file.data)
