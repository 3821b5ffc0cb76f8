"""Hides secret values in a stream of JSON, in bounded memory and without changing its length. It reads no JSON else."""

from __future__ import annotations

import re

from queuemgr.typetags import SECRET

START = f'{{"$":"{SECRET}","v":'.encode()
"""How every secret begins: within a text the quotes would be escaped."""

_NEXT = re.compile(rb'["{}\[\]]')
_IN_TEXT = re.compile(rb'["\\]')


class Masking:
    """Fed with the pieces of a stream in turn. A secret comes out as a text of stars, or a number of ones, as long."""

    def __init__(self) -> None:
        self._held = b""
        self._depth = 0
        self._filling = b""
        self._in_text = False
        self._skip = False

    def feed(self, data: bytes) -> bytes:
        """What is sure by now; the rest comes with the next piece."""
        data, self._held = self._held + data, b""
        done: list[bytes] = []
        at = 0
        while at < len(data):
            if self._depth:
                masked = self._mask(data, at)
                done.append(masked)
                at += len(masked)
                continue
            found = data.find(START, at)
            end = found + len(START) if found >= 0 else len(data) - _begun(data, at)
            done.append(data[at:end])
            if found < 0:
                self._held = data[end:]
                break
            self._depth, self._filling, at = 1, b"", end
        return b"".join(done)

    @property
    def pending(self) -> int | None:
        """Bytes at the end of what was fed that may begin a secret; None within one."""
        return None if self._depth else len(self._held)

    def flush(self) -> bytes:
        held, self._held = self._held, b""
        return held

    def _mask(self, data: bytes, start: int) -> bytes:
        """Up to the brace that closes the secret, or to the end of the data."""
        if not self._filling:
            self._filling = b"*" if data[start : start + 1] in b'"{[' else b"1"
        edges: list[int] = []
        end = self._scan(data, start, edges)
        masked = bytearray(self._filling * (end - start))
        for edge in edges:
            masked[edge - start] = ord('"')
        if not self._depth:
            masked[-1:] = b"}"
        return bytes(masked)

    def _scan(self, data: bytes, at: int, edges: list[int]) -> int:
        """Behind the secret, or the end of the data; at `edges` its value begins and ends."""
        if self._skip:
            self._skip, at = False, at + 1
        while (found := (_IN_TEXT if self._in_text else _NEXT).search(data, at)) is not None:
            at = found.end()
            before = self._depth
            match found.group():
                case b"\\":
                    self._skip = at == len(data)
                    at += 1
                    continue
                case b'"':
                    self._in_text = not self._in_text
                case b"{" | b"[":
                    self._depth += 1
                case _:
                    self._depth -= 1
            if not self._depth:
                return at
            if min(before, self._depth) == 1:
                edges.append(found.start())
        return len(data)


def _begun(data: bytes, at: int) -> int:
    """Bytes at the end of the data with which a secret may begin."""
    longest = min(len(START) - 1, len(data) - at)
    return next((size for size in range(longest, 0, -1) if data.endswith(START[:size])), 0)
