"""How workers are written down, and read again. Whether one lives is decided elsewhere (liveness.py)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.liveness import is_alive
from queuemgr.store import WorkerInfo

from .packing import blob

if TYPE_CHECKING:
    from collections.abc import Sequence

# In the order that `lua/reclaim.lua` knows.
_FIELDS = ("id", "host", "pid", "birth", "name", "queues", "tasks", "concurrency", "started_at")


def pack_worker(worker: WorkerInfo) -> msgspec.Raw:
    return blob(msgspec.msgpack.encode([getattr(worker, name) for name in _FIELDS]))


def read_workers(told: Sequence[Any], now: float, lease: float) -> list[WorkerInfo]:
    """Workers from what each said of itself, its last beat and its state; the oldest first."""
    triples = zip(told[::3], told[1::3], told[2::3], strict=True)
    workers = []
    for packed, beat, state in triples:
        # One that is damaged will be taken for dead: no process answers for it.
        with suppress(msgspec.MsgspecError, ValueError, TypeError):
            workers.append(_read(packed, float(beat or 0), (state or b"").decode(), now, lease))
    return sorted(workers, key=lambda worker: worker.started_at)


def _read(packed: bytes, beat_at: float, state: str, now: float, lease: float) -> WorkerInfo:
    values = dict(zip(_FIELDS, msgspec.msgpack.decode(packed), strict=True))
    alive = is_alive(values["host"], values["pid"], values["birth"], now - beat_at, lease)
    values |= {"queues": tuple(values["queues"]), "tasks": tuple(values["tasks"])}
    return WorkerInfo(**values, beat_at=beat_at, state=state, alive=alive)
