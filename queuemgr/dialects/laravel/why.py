"""Why a job is among the dead, as it is kept beside its payload. It decides nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from queuemgr.job import State


class Why(msgspec.Struct, frozen=True):
    """`at` is the moment; `attempts`, `crashes` and `claims` are what the job had behind it."""

    state: State = State.DEAD
    word: str = ""
    reason: str = ""
    at: float = 0.0
    error: dict[str, Any] | None = None
    worker: str | None = None
    attempts: int | None = None
    crashes: int = 0
    claims: int = 0


def read_why(told: bytes | None) -> Why:
    """Raises nothing."""
    try:
        return msgspec.json.decode(told or b"{}", type=Why)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Why(reason="its reason cannot be read")
