"""The one field that we add to a payload, for what Laravel has no word for. Its workers carry it along unread."""

from __future__ import annotations

import msgspec

FIELD = "queuemgr"


class Marker(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`claims` counts our leases, so that no two reservations of a job have the same bytes.

    `crashes` is written with the reservation as if its worker were to die, and taken back by every other end: who ever
    finds an abandoned reservation, one of Laravel's workers included, finds it counted. `exceptions` counts failures
    for maxExceptions. `named` says that the data of a string job are named arguments. `options` and `args` are JSON in
    a text, because Laravel's workers would damage numbers and empty lists anywhere else: what the call asked for, and
    the arguments where PHP's values cannot tell all of them, encrypted where the command is.
    """

    claims: int = 0
    crashes: int = 0
    exceptions: int = 0
    budget: int | None = None
    once: bool = False
    named: bool = False
    lock: str | None = None
    options: str | None = None
    args: str | None = None

    def at_rest(self) -> Marker:
        """What stays of it once a job is out of the queue, to begin anew."""
        return msgspec.structs.replace(self, claims=0, crashes=0, exceptions=0)

    def encode(self) -> bytes:
        return _write(self)


NONE = Marker()
_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Marker).decode


def read_marker(raw: bytes | None) -> Marker:
    """What the field says; nothing where it is missing or not ours. Raises nothing."""
    if raw is None:
        return NONE
    try:
        return _read(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return NONE
