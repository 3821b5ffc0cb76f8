"""Whether a store's file is still where it was opened: who goes on with one that was taken away loses what it writes.

It mends nothing, and knows nothing of stores that have no file.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from queuemgr.errors import StoreUnavailable

if TYPE_CHECKING:
    from queuemgr.store import Store

    Identity = tuple[int, int]

OPEN_FILES = ("/proc/self/fd", "/dev/fd")


class Whereabouts:
    """Of one store, asked before each use: as long as nothing happens to its file that costs one look at it."""

    def __init__(self) -> None:
        self._known: Identity | None = None

    def require(self, store: Store) -> None:
        """Raises StoreUnavailable. A file that has not been there yet is one that nobody has opened."""
        path: Path | None = getattr(store, "path", None)
        if path is None:
            return
        with suppress(OSError):
            found = _identity(path.stat())
            if self._known in (None, found):
                self._known = found
                return
        if self._known is not None and (wrong := not_the_file_at(path)) is not None:
            raise StoreUnavailable(wrong)


def not_the_file_at(path: Path | None) -> str | None:
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


def _open_here() -> set[Identity]:
    """All that this process has open; nothing where the system does not tell."""
    found = set()
    folder = next((Path(one) for one in OPEN_FILES if Path(one).is_dir()), None)
    for entry in folder.iterdir() if folder else ():
        with suppress(OSError):
            found.add(_identity(os.fstat(int(entry.name))))
    return found


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
