"""The form of requests and answers on the control socket: a line of JSON each. It opens no socket.

A message beyond PIECE bytes travels in pieces, between which others may pass: a line {"id", "piece", "more"}, then as
many raw bytes as `piece` says; joined they are the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import QueuemgrError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 64 * 1024
LONGEST_LINE = PIECE + 4096


class BadMessage(QueuemgrError):
    """What came over the socket is no message."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """`by` names the person for whom it is asked, so that a change is written into the audit list; None: a program."""

    id: int
    operation: str
    arguments: dict[str, Any] = {}
    by: str | None = None


class Told(msgspec.Struct, frozen=True):
    """An error: `type` names its class, `fields` are those of its attributes that are plain."""

    type: str
    message: str
    fields: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """`id` is that of the request, None where it could not be read."""

    id: int | None
    result: Any = None
    error: Told | None = None


class _Head(msgspec.Struct):
    id: int = -1
    piece: int = -1
    more: bool = False


_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode_head = msgspec.json.Decoder(_Head).decode
decode_request = msgspec.json.Decoder(Request).decode
decode_answer = msgspec.json.Decoder(Answer).decode


def encode(message: Request | Answer) -> Iterator[bytes]:
    """The message in parts that are to be sent in this order, others perhaps in between. Raises TypeError."""
    data = _encode(message)
    if len(data) <= PIECE:
        yield data + b"\n"
        return
    view = memoryview(data)
    for start in range(0, len(data), PIECE):
        part = view[start : start + PIECE]
        more = b"true" if start + PIECE < len(data) else b"false"
        yield b'{"id":%d,"piece":%d,"more":%s}\n' % (message.id or 0, len(part), more) + part


class Inbox:
    """Makes messages of what comes in. `limit` is the most bytes of one message."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._scanned = 0
        self._head: _Head | None = None
        self._parts: dict[int, bytearray] = {}

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        """The messages that are whole now. Raises BadMessage; then nothing more can be read."""
        self._buffer += data
        while (message := self._take()) is not None:
            if message:
                yield message

    def _take(self) -> bytes | None:
        """A message, nothing where only a piece of one was whole, None where nothing is."""
        if self._head is not None:
            return self._take_piece(self._head)
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > LONGEST_LINE:
                raise BadMessage(f"a line of more than {LONGEST_LINE} bytes: send a long message in pieces")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        if b'"piece"' not in line[:64]:
            return line.strip()
        self._head = self._read_head(line)
        return b""

    def _read_head(self, line: bytes) -> _Head | None:
        try:
            head = _decode_head(line)
        except msgspec.DecodeError as error:
            raise BadMessage(f"a line that is no JSON object: {error}") from error
        if not 0 < head.piece <= PIECE:
            raise BadMessage(f"a piece has 1 to {PIECE} bytes, not {head.piece}")
        if len(self._parts.get(head.id, b"")) + head.piece > self._limit:
            raise BadMessage(f"a message of more than {self._limit:,} bytes")
        return head

    def _take_piece(self, head: _Head) -> bytes | None:
        if len(self._buffer) < head.piece:
            return None
        self._parts.setdefault(head.id, bytearray()).extend(self._buffer[: head.piece])
        del self._buffer[: head.piece]
        self._head = None
        return b"" if head.more else bytes(self._parts.pop(head.id))
