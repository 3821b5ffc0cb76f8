"""Writes down what a server is asked, and reads its answers off a connection. It asks nothing."""

from __future__ import annotations

from hiredis import Reader, pack_command
from redis.exceptions import InvalidResponse, NoPermissionError, NoScriptError, ResponseError

NOT_YET = object()
"""What a reader gives where the next answer is not there yet. A refusal is given as an error, and not raised."""

READ_AT_MOST = 1 << 18

_KINDS = {"NOSCRIPT": NoScriptError, "NOPERM": NoPermissionError}


def new_reader() -> Reader:
    """Raises redis.exceptions.InvalidResponse where it is fed something else than answers."""
    return Reader(protocolError=InvalidResponse, replyError=_refusal, notEnoughData=NOT_YET)


def packed(words: tuple[bytes | str, ...]) -> bytes:
    question: bytes = pack_command(words)  # type: ignore[arg-type]  # any number of them
    return question


def _refusal(told: str) -> ResponseError:
    return _KINDS.get(told.partition(" ")[0], ResponseError)(told)
