"""What the journal knew of the registry file when it last looked, so that nobody need read the file again.

It reads and writes nothing but its own small file.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from queuemgr.service.registry.file import Look

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("queuemgr.service")


class Mark(msgspec.Struct, kw_only=True):
    """`live` are the statuses of the jobs that had not ended, by their ids; `purged` are ids whose lines are to go.

    `lines` and `jobs` count what the file holds; `at` is when the store was last compared with it.
    """

    look: Look = Look()
    lines: int = 0
    jobs: int = 0
    at: float = 0.0
    live: dict[str, int] = {}
    purged: list[str] = []


def mark_path(registry: Path) -> Path:
    return registry.with_name(f".{registry.name}.mark")


def load(path: Path) -> Mark | None:
    """None where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s cannot be read and is made anew: %s", path, error)
        return None


def save(path: Path, mark: Mark) -> None:
    """A crash leaves the old one or the new one. Where it cannot be written, the next start takes longer."""
    new = path.with_name(f"{path.name}.new")
    with suppress(OSError):
        with new.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(msgspec.json.encode(mark))
        new.rename(path)
