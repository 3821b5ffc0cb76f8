"""Whether this process lives, and whether it is of use: for whoever starts and balances it. It mends nothing."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr import __version__
from queuemgr.errors import StoreError

if TYPE_CHECKING:
    from queuemgr.client import AsyncClient
    from queuemgr.service.facts import Facts

PATIENCE = 3.0
OPEN_FILES = ("/proc/self/fd", "/dev/fd")


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
    if (wrong := _not_the_file_at(getattr(client.store, "path", None))) is not None:
        return _answer(_check("store", wrong, ok=False))
    spent = 1000 * (client.clock.monotonic() - began)
    return _answer(
        _check("store", f"it answered within {spent:.0f} ms", ok=True),
        _check("workers", f"{alive} alive", ok=alive > 0, required=workers),
    )


def _not_the_file_at(path: Path | None) -> str | None:
    """What is wrong where none of this process's open files is the one at the path; `path` None is no file's."""
    if path is None:
        return None
    try:
        wanted = _identity(path.stat())
    except FileNotFoundError:
        return f"the file {path} was taken away while it was open: what is written now is lost; start this anew"
    except OSError as error:
        return f"the file {path} cannot be looked at: {error.strerror}; see who may read its folder"
    # Only by the numbers of what is open: to open and close the file would drop SQLite's locks on it.
    here = _open_here()
    if not here or wanted in here:
        return None
    return f"the file {path} was replaced by another while it was open: what is written now is lost; start this anew"


def _open_here() -> set[tuple[int, int]]:
    """All that this process has open; nothing where the system does not tell."""
    found = set()
    folder = next((Path(one) for one in OPEN_FILES if Path(one).is_dir()), None)
    for entry in folder.iterdir() if folder else ():
        with suppress(OSError):
            found.add(_identity(os.fstat(int(entry.name))))
    return found


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _check(name: str, detail: str, *, ok: bool, required: bool = True) -> Facts:
    return {"name": name, "ok": ok, "required": required, "detail": detail}


def _answer(*checks: Facts) -> Facts:
    return {"ready": all(check["ok"] or not check["required"] for check in checks), "checks": list(checks)}
