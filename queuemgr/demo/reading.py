"""What there is to know about one file: size, fingerprint, compressed size and words. It knows no jobs.

The jobs of the demo and the direct computation that checks them both come here.
"""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from hashlib import blake2b, sha256
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1024 * 1024
BLOCK = 64 * 1024
HASH = 8

# Letters of any language in UTF-8. A longer run counts as several words, so that a piece is never kept for long.
_WORD = re.compile(rb"[a-z\x80-\xff]{1,100}")


@dataclass(frozen=True, slots=True)
class Reading:
    """Sizes are bytes. `vocabulary` is the sorted 8-byte hashes of the distinct words, regardless of (ASCII) case."""

    size: int
    sha256: str
    compressed: int
    words: int
    vocabulary: bytes


def read_file(path: str | bytes) -> Reading:
    """Read the whole file. Raises OSError."""
    digest = Digest()
    for piece in Pieces(path):
        digest.add(piece)
    return digest.reading()


class Pieces:
    """A file's content in about `number` pieces, and in more of them if they exceeded a megabyte. Raises OSError."""

    def __init__(self, path: str | bytes, number: int = 1) -> None:
        self._path = Path(os.fsdecode(path))
        whole = self._path.stat().st_size
        self._size = min(PIECE, ceil(whole / number)) or PIECE
        self._number = ceil(whole / self._size) or 1

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while piece := file.read(self._size):
                yield piece


class Digest:
    """Takes a file piece by piece; where it is cut makes no difference. A file with a zero byte in it has no words."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._sha256 = sha256()
        self._zlib = zlib.compressobj(1)
        self._size = self._compressed = self._words = 0
        self._unfinished = b""
        self._is_text = True
        self._vocabulary: set[bytes] = set()

    def add(self, piece: bytes) -> None:
        # Compressors may give other sizes for other pieces, so they get blocks of one size.
        self._waiting += piece
        while len(self._waiting) >= BLOCK:
            self._take(bytes(self._waiting[:BLOCK]))
            del self._waiting[:BLOCK]

    def reading(self) -> Reading:
        """What was read. Nothing can be added afterwards."""
        self._take(bytes(self._waiting))
        self._note([self._unfinished] if self._unfinished else [])
        words, vocabulary = (self._words, self._vocabulary) if self._is_text else (0, set())
        hashes = sorted(blake2b(word, digest_size=HASH).digest() for word in vocabulary)
        compressed = self._compressed + len(self._zlib.flush())
        return Reading(self._size, self._sha256.hexdigest(), compressed, words, b"".join(hashes))

    def _take(self, block: bytes) -> None:
        self._size += len(block)
        self._sha256.update(block)
        self._compressed += len(self._zlib.compress(block))
        self._is_text = self._is_text and b"\0" not in block
        if self._is_text:
            text = self._unfinished + block.lower()
            words = _WORD.findall(text)
            self._unfinished = words.pop() if words and text.endswith(words[-1]) else b""
            self._note(words)

    def _note(self, words: list[bytes]) -> None:
        self._words += len(words)
        self._vocabulary.update(words)
