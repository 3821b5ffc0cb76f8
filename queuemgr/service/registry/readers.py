"""Who has read the registry's file since which line was written, as the kernel tells (inotify(7)). It reads no line.

The kernel tells in which order the file was read and written, but not by whom.
"""

from __future__ import annotations

import os
import struct
import time
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IN_ACCESS, IN_MODIFY, IN_OVERFLOW = 0x1, 0x2, 0x4000
IN_NONBLOCK, IN_CLOEXEC = 0o4000, 0o2000000
EVENT = struct.Struct("iIII")
MOST = 1000


class Readers:
    """`place` is always the number of the last line that was written. Without inotify(7) nobody is known to have read.

    Whoever reads or writes the file here calls `hear` before it, and after it `pass_over` or, where he finds that
    somebody else has changed the file, `changed`: so only others count.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._path = path
        self._file = -1
        self._libc: Any = None
        self._reads: deque[tuple[float, int]] = deque()
        self._forgotten_at = -inf
        self._calm_at = clock()
        self._seen = 0
        self._changed_after: float | None = None

    def watch(self, place: int) -> None:
        """Begin, or begin anew with what is at that path now. Who read it before is not known."""
        if self._libc is None:
            self._open()
        if self._file >= 0:
            self._libc.inotify_add_watch(self._file, os.fsencode(self._path), IN_ACCESS | IN_MODIFY)
        self._changed_after = None
        self.pass_over()
        self._note(place)

    def hear(self, place: int) -> None:
        """Take note of those who have read the file, up to the first who changed it."""
        for event in self._events():
            if event & IN_MODIFY:
                self.changed()
            elif self._changed_after is None:
                self._note(place)
                if event & IN_ACCESS:
                    self._seen = place

    def pass_over(self) -> None:
        """What was read and written since `hear` was our own doing."""
        self._events()
        self._calm_at = self.clock()

    def changed(self) -> None:
        """Somebody has changed the file since the last `pass_over`."""
        if self._changed_after is None:
            self._changed_after = self._calm_at

    def saw(self, place: float, within: float) -> bool:
        """Whether whoever changed the file had read the line at `place`, if he read it `within` seconds before that.

        False where nobody has read it since that line, and where it may have been somebody else.
        """
        if self._changed_after is None or place > self._seen:
            return False
        since = self._changed_after - within
        return self._forgotten_at < since and all(at < since for at, last in self._reads if last < place)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        import ctypes

        self._libc = ctypes.CDLL(None, use_errno=True)
        if hasattr(self._libc, "inotify_init1"):
            self._file = int(self._libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC))

    def _note(self, place: int) -> None:
        if self._reads and self._reads[-1][1] == place:
            self._reads.pop()
        self._reads.append((self.clock(), place))
        if len(self._reads) > MOST:
            self._forgotten_at, _ = self._reads.popleft()

    def _events(self) -> list[int]:
        if self._file < 0:
            return []
        try:
            events = os.read(self._file, 65536)
        except BlockingIOError:
            return []
        # Events of single files carry no name, so they all have the same length.
        return [mask for _, mask, _, _ in EVENT.iter_unpack(events)]
