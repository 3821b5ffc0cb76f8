"""Whether this process lives, and whether it is of use: for whoever starts and balances it. It mends nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from queuemgr import __version__
from queuemgr.errors import StoreError
from queuemgr.service.whereabouts import not_the_file_at

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.facts import Facts

PATIENCE = 3.0


def healthy() -> Facts:
    """{"healthy", "version"}: whoever can answer lives."""
    return {"healthy": True, "version": __version__}


async def ready(client: AsyncClient, *, workers: bool = False, patience: float = PATIENCE) -> Facts:
    """{"ready", "checks"}: whether the store answers within `patience` seconds and, with `workers`, one is alive.

    A store whose file was taken away or replaced answers still, but nobody else will ever see what it is told.
    Each check has "name", "ok", "required" and "detail". It raises nothing.
    """
    began = client.clock.monotonic()
    try:
        async with asyncio.timeout(patience):
            alive = sum(worker.alive for worker in await client.workers())
    except TimeoutError:
        return _answer(_check("store", f"it did not answer within {patience:g} s", ok=False))
    except (StoreError, OSError) as error:
        return _answer(_check("store", str(error), ok=False))
    if (wrong := not_the_file_at(getattr(client.store, "path", None))) is not None:
        return _answer(_check("store", wrong, ok=False))
    spent = 1000 * (client.clock.monotonic() - began)
    return _answer(
        _check("store", f"it answered within {spent:.0f} ms", ok=True),
        _check("workers", f"{alive} alive", ok=alive > 0, required=workers),
    )


def _check(name: str, detail: str, *, ok: bool, required: bool = True) -> Facts:
    return {"name": name, "ok": ok, "required": required, "detail": detail}


def _answer(*checks: Facts) -> Facts:
    return {"ready": all(check["ok"] or not check["required"] for check in checks), "checks": list(checks)}
